// The report page in a real browser: nothing of the target's runs or loads, every link leads somewhere, anyone can read it.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import chromium from '@sparticuz/chromium';
import { type Browser, type Page, chromium as playwright } from 'playwright-core';
import { fixture } from './fixture.ts';
import { policy, renderHtml } from './html.ts';
import { renderJunit } from './junit.ts';

const dir = mkdtempSync(join(tmpdir(), 'rempart-report-'));
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
let browser: Browser;

before(async () => {
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
  rmSync(dir, { recursive: true, force: true });
});

interface Opened {
  page: Page;
  requests: string[];
  complaints: string[];
}

async function open(
  name: string,
  content: string,
  colorScheme: 'light' | 'dark' = 'light',
  width = 1100,
): Promise<Opened> {
  const file = join(dir, name);
  writeFileSync(file, content);
  const context = await browser.newContext({ colorScheme, viewport: { width, height: 900 } });
  context.setDefaultTimeout(120_000);
  const page = await context.newPage();
  const requests: string[] = [];
  const complaints: string[] = [];
  page.on('request', (request) => requests.push(request.url()));
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(error.message));
  const url = pathToFileURL(file).href;
  await page.goto(url);
  return { page, requests: requests.filter((asked) => asked !== url), complaints };
}

test('renderHtml() gives a page on which nothing runs, nothing loads, and its own policy has nothing to refuse', async () => {
  const { page, requests, complaints } = await open('hostile.html', renderHtml({ ...fixture(), lang: 'fr' }));
  await page.locator('figure svg').first().hover();
  for (const link of await page.locator('a').all()) await link.dispatchEvent('mouseover');
  const seen = await page.evaluate(`({
    ran: typeof globalThis.ran,
    active: document.querySelectorAll('script, img, link, iframe, object, embed, form, base').length,
    handlers: [...document.querySelectorAll('*')].filter((el) => [...el.attributes].some(({ name }) => /^on|^style$/.test(name))).length,
    styled: getComputedStyle(document.querySelector('dl')).display,
  })`);
  assert.deepEqual(seen, { ran: 'undefined', active: 0, handlers: 0, styled: 'grid' });
  assert.deepEqual([requests, complaints], [[], []]);
  await page.context().close();
});

test('renderHtml() shows every column of every table on a small screen, in both languages', async () => {
  for (const lang of ['en', 'fr'] as const) {
    const { page } = await open(`scores-${lang}.html`, renderHtml({ ...fixture(), lang }), 'light', 900);
    const clipped = await page.evaluate(
      `[...document.querySelectorAll('.frame')].filter((it) => it.scrollWidth > it.clientWidth).map((it) => it.textContent.slice(0, 80))`,
    );
    assert.deepEqual(clipped, []);
    await page.context().close();
  }
});

test('the policy refuses scripts and requests even where a page held them', async () => {
  const html = renderHtml({ ...fixture(), lang: 'en' });
  const slipped = html.replace(
    '<main>',
    '<main><script>globalThis.ran = true</script><img src="http://127.0.0.1:9/x" onerror="globalThis.ran = true">',
  );
  assert.notEqual(slipped, html);
  const { page, complaints } = await open('slipped.html', slipped);
  assert.equal(await page.evaluate('typeof globalThis.ran'), 'undefined');
  assert.ok(
    complaints.some((text) => text.includes('Content Security Policy')),
    complaints.join('\n'),
  );
  assert.match(policy, /^default-src 'none'; style-src 'sha256-[^']+'; /);
  await page.context().close();
});

test('renderHtml() links only inside itself, to places a reader then sees', async () => {
  const { page } = await open('links.html', renderHtml({ ...fixture(), lang: 'fr' }));
  const broken = await page.evaluate(
    `[...document.querySelectorAll('a')].map((a) => a.getAttribute('href')).filter((href) => !/^#./.test(href) || document.getElementById(href.slice(1)) === null)`,
  );
  assert.deepEqual(broken, []);
  await page.locator('a[href="#evidence-e7"]').first().click();
  assert.ok(await page.locator('#evidence-e7').isVisible());
  assert.equal(await page.evaluate(`document.querySelector(':target').id`), 'evidence-e7');
  await page.context().close();
});

for (const scheme of ['light', 'dark'] as const) {
  test(`renderHtml() has no fault that axe finds, ${scheme}, and never scrolls sideways on a telephone`, async () => {
    const { page } = await open(`${scheme}.html`, renderHtml({ ...fixture(), lang: 'en' }), scheme, 390);
    assert.ok((await page.evaluate<number>('document.documentElement.scrollWidth')) <= 390);
    await page.evaluate(axe);
    const violations = await page.evaluate(
      'axe.run().then(({ violations }) => violations.map(({ id, nodes }) => id + ": " + nodes[0].html.slice(0, 200)))',
    );
    assert.deepEqual(violations, []);
    await page.context().close();
  });
}

test('renderHtml() draws each answered request, the fault and the marks, and names the drawing', async () => {
  const { page } = await open('timeline.html', renderHtml({ ...fixture(), lang: 'en' }));
  assert.equal(await page.locator('figure svg').count(), 1, 'a method that asked nothing has no drawing');
  const drawn = await page.evaluate(`(() => {
    const svg = document.querySelector('figure svg');
    return {
      points: svg.querySelectorAll('circle > title, polygon > title, path > title').length,
      fault: svg.querySelectorAll('rect.fault').length,
      marks: svg.querySelectorAll('line.detected, line.recovered').length,
      named: svg.getAttribute('aria-labelledby').split(' ').every((id) => document.getElementById(id).textContent !== ''),
    };
  })()`);
  // Twenty requests and one alert.
  assert.deepEqual(drawn, { points: 21, fault: 1, marks: 2, named: true });
  await page.context().close();
});

test('renderHtml() prints what is folded away on the screen', async () => {
  const { page } = await open('print.html', renderHtml({ ...fixture(), lang: 'fr' }));
  await page.evaluate(`for (const details of document.querySelectorAll('details')) details.open = false`);
  const height = async () => (await page.locator('details').last().boundingBox())?.height ?? 0;
  const folded = await height();
  await page.emulateMedia({ media: 'print' });
  assert.ok((await height()) > folded * 3, `${folded} on the screen, ${await height()} on paper`);
  await page.context().close();
});

test('renderJunit() is well-formed XML whatever the target answered', async () => {
  const { page } = await open('blank.html', '<!doctype html><title>blank</title>');
  const parsed = await page.evaluate<{ error: string | null; root: string; messages: string[] }>(`(() => {
    const tree = new DOMParser().parseFromString(${JSON.stringify(renderJunit(everyCheckHostile()))}, 'application/xml');
    const messages = [...tree.querySelectorAll('failure')].map((failure) => failure.getAttribute('message'));
    return { error: tree.querySelector('parsererror')?.textContent ?? null, root: tree.documentElement.nodeName, messages };
  })()`);
  assert.deepEqual([parsed.error, parsed.root], [null, 'testsuites']);
  assert.ok(parsed.messages.some((message) => message.startsWith('<script>globalThis.ran = true</script>')));
  await page.context().close();
});

function everyCheckHostile() {
  const { doc } = fixture();
  const nasty = fixture().doc.recommendations[0]!.problem;
  doc.restoreProof = nasty;
  doc.target = nasty;
  for (const method of doc.scenarios.flatMap(({ methods }) => methods)) {
    method.why = nasty;
    for (const check of method.checks) if (!check.passed && check.id !== 'honest') check.because = nasty;
  }
  return doc;
}
