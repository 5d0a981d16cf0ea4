// The console's page in a real browser: log in, see the truth, try the chatbot, in both languages and with the keyboard alone.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import chromium from '@sparticuz/chromium';
import { type Browser, type Page, chromium as playwright } from 'playwright-core';
import { type Instance, makePlace, startInstance } from './instance.ts';

const place = makePlace();
/** Set it to a directory to look at what the browser saw. */
const shots = process.env['REMPART_TEST_SCREENSHOTS'];
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
let app: Instance;
let browser: Browser;

before(async () => {
  app = await startInstance(['--data', 'console'], { cwd: place.dir });
  browser = await playwright.launch({
    timeout: 240_000,
    executablePath: await chromium.executablePath(),
    args: [
      // In one process, closing a context ends the whole browser; and the web's own rules are part of what is tested.
      ...chromium.args.filter((arg) => arg !== '--single-process' && arg !== '--disable-web-security'),
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
    headless: true,
  });
});
after(async () => {
  await browser?.close();
  await app?.stop();
  place.remove();
});

interface Opened {
  page: Page;
  /** What the page asked for beyond its own origin, and what it complained of. */
  strange: string[];
}

async function open(options: { locale: string; colorScheme?: 'light' | 'dark'; width?: number }): Promise<Opened> {
  const { locale, colorScheme = 'light', width = 1100 } = options;
  const context = await browser.newContext({ locale, colorScheme, viewport: { width, height: 800 } });
  context.setDefaultTimeout(120_000);
  const page = await context.newPage();
  const strange: string[] = [];
  page.on('request', (request) => {
    if (!request.url().startsWith(`${app.consoleUrl}/`)) strange.push(request.url());
  });
  page.on('pageerror', (error) => strange.push(error.message));
  await page.goto(app.consoleUrl);
  await page.waitForSelector('#login:not([hidden]), #inside:not([hidden])');
  return { page, strange };
}

async function logIn(page: Page): Promise<void> {
  await page.fill('#password', app.password ?? '');
  await page.keyboard.press('Enter');
  await page.waitForSelector('#inside:not([hidden]) #dependencies li');
}

/** Violations that axe-core calls serious or critical. */
async function violations(page: Page): Promise<string[]> {
  // Through the debugger, which the page's own policy does not bind.
  await page.evaluate(axe);
  const found = await page.evaluate('axe.run(document)');
  const { violations: all } = found as { violations: { id: string; impact: string; nodes: { html: string }[] }[] };
  return all
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
}

async function look(page: Page, name: string): Promise<void> {
  if (shots === undefined) return;
  mkdirSync(shots, { recursive: true });
  await page.screenshot({ path: join(shots, `${name}.png`), fullPage: true });
}

for (const [locale, colorScheme, title, overall, overloaded] of [
  ['fr-FR', 'light', 'Se connecter', 'Tout fonctionne', 'surchargée'],
  ['en-GB', 'dark', 'Log in', 'Everything is running', 'overloaded'],
] as const) {
  test(`the console in ${locale}, ${colorScheme}: no serious accessibility violation, nothing from elsewhere`, async () => {
    const { page, strange } = await open({ locale, colorScheme });
    assert.equal(await page.textContent('#login h2'), title);
    assert.equal(await page.getAttribute('html', 'lang'), locale.slice(0, 2));
    assert.deepEqual(await violations(page), []);
    await look(page, `login-${colorScheme}`);
    await logIn(page);
    // A machine that is busy with other tests is rightly said to be overloaded.
    const busy = page.locator('#dependencies span', { hasText: overloaded });
    await page.locator('#overall', { hasText: overall }).or(busy).waitFor();
    assert.ok(await page.isVisible('#standin'), 'the stand-in is called one');
    assert.ok(await page.isVisible('#thread-empty'));
    assert.deepEqual(await violations(page), []);
    await page.keyboard.type(locale === 'fr-FR' ? 'Bonjour le rempart ?' : 'Hello rampart?');
    await page.keyboard.press('Enter');

    await page.locator('.turn:last-child', { hasText: /\[(stand-in|doublure)\]/ }).waitFor();
    await page.locator('#successes', { hasText: /^[1-9]/ }).waitFor();
    assert.deepEqual(await violations(page), []);
    await look(page, `inside-${colorScheme}`);
    assert.deepEqual(strange, []);
    assert.ok(await page.isVisible('label[for=message]'));
    const [provider, you] = locale === 'fr-FR' ? ['Fournisseur (doublure)', 'You'] : ['Provider (stand-in)', 'Vous'];
    await page.locator('#dependencies', { hasText: provider }).waitFor();
    await page.selectOption('#language', locale === 'fr-FR' ? 'en' : 'fr');
    await page.locator('.turn.mine strong', { hasText: you }).waitFor();
    await page.context().close();
  });
}

test('the console changes its language, remembers who is logged in, and fits a telephone', async () => {
  const { page } = await open({ locale: 'en-GB', width: 360 });
  await logIn(page);
  await page.selectOption('#language', 'fr');
  await page.locator('#status-title', { hasText: 'État' }).waitFor();
  await page.reload();
  await page.waitForSelector('#inside:not([hidden]) #dependencies li');
  assert.equal(await page.textContent('#status-title'), 'État');
  const wide = Number(await page.evaluate('document.documentElement.scrollWidth'));
  assert.ok(wide <= 360, `${wide} px wide`);
  await look(page, 'telephone');
  await page.click('#logout');
  await page.waitForSelector('#login:not([hidden])');
  await page.reload();
  await page.waitForSelector('#login:not([hidden])');
  await page.context().close();
});

test('the console refuses a wrong password in words, and guessing after five attempts', async () => {
  const { page } = await open({ locale: 'fr-FR' });
  for (let attempt = 1; attempt <= 6; attempt++) {
    await page.fill('#password', `wrong ${attempt}`);
    const answered = page.waitForResponse((response) => response.url().endsWith('/api/login'));
    await page.keyboard.press('Enter');
    assert.equal((await answered).status(), attempt <= 5 ? 401 : 429);
  }
  await page.locator('#login-error', { hasText: 'Trop de tentatives' }).waitFor();
  await page.context().close();
});

const refused: [what: string, path: string, init: RequestInit, status: number][] = [
  ['status without a session', '/api/status', {}, 401],
  ['a question without a session', '/api/chat', { method: 'POST', body: '{}' }, 401],
  [
    'a login from another site',
    '/api/login',
    { method: 'POST', body: '{}', headers: { 'sec-fetch-site': 'cross-site' } },
    403,
  ],
  ['a file beside the page', '/..%2fpackage.json', {}, 404],
];
for (const [what, path, init, status] of refused) {
  test(`the console refuses ${what} with ${status}`, async () => {
    const response = await fetch(`${app.consoleUrl}${path}`, init);
    assert.equal(response.status, status);
    assert.match(((await response.json()) as { error: { code: string } }).error.code, /^ERR_/);
  });
}

test('the console sends a strict content policy and shows metrics without names of users', async () => {
  const page = await fetch(app.consoleUrl);
  const policy = page.headers.get('content-security-policy') ?? '';
  assert.match(policy, /default-src 'none'; script-src 'self'; style-src 'self'/);
  assert.ok(!policy.includes('unsafe'));
  assert.equal(page.headers.get('x-frame-options'), 'SAMEORIGIN');
  const metrics = await (await fetch(`${app.consoleUrl}/metrics`)).text();
  assert.match(metrics, /^rempart_gateway_upstream_attempts_total\{provider="standin",outcome="\w+"\} \d+$/m);
  assert.match(metrics, /^rempart_provider_keys\{provider="standin",state="closed"\} 1$/m);
  // Nobody watches the network here: the counters are known by name, and have no value.
  for (const name of ['host_access_violations', 'cross_network_requests']) {
    assert.match(metrics, new RegExp(`^# TYPE rempart_${name}_total counter$`, 'm'));
    assert.doesNotMatch(metrics, new RegExp(`^rempart_${name}_total`, 'm'));
  }
  assert.ok(!metrics.includes('first-user'));
});
