// The report page of `analyze` in a real browser, from a file: hostile text inert, the filter, the keyboard, dark, small and on paper; and the forms for machines.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import chromium from '@sparticuz/chromium';
import { type Browser, type Page, chromium as playwright } from 'playwright-core';
import { analysisOf, conversationOf, findingOf } from '../src/analyze/report/fixture.ts';
import { policy, renderHtml } from '../src/analyze/report/html.ts';
import { renderJunit } from '../src/analyze/report/junit.ts';
import { renderSarif as sarifPieces } from '../src/analyze/report/sarif.ts';
import type { Analysis } from '../src/platform/documents/analysis.ts';

const dir = mkdtempSync(join(tmpdir(), 'rempart-analysis-page-'));
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** Set it to a directory to look at what the browser saw. */
const shots = process.env['REMPART_TEST_SCREENSHOTS'];
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

const renderSarif = (doc: Analysis) => [...sarifPieces(doc)].join('');
const html = (doc: Analysis) => [...renderHtml(doc)].join('');

interface Opened {
  page: Page;
  requests: string[];
  complaints: string[];
}

async function open(content: string, colorScheme: 'light' | 'dark' = 'light', width = 1100): Promise<Opened> {
  const file = join(dir, 'report.html');
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

const shown = (page: Page) =>
  page.evaluate<string[]>(
    `[...document.querySelectorAll('article.finding')].filter((it) => it.checkVisibility()).map((it) => it.id)`,
  );

test('renderHtml() gives a page on which only its own script runs and nothing loads', async () => {
  const { page, requests, complaints } = await open(html(analysisOf('fr')));
  for (const link of await page.locator('a').all()) await link.dispatchEvent('mouseover');
  const seen = await page.evaluate(`({
    ran: typeof globalThis.ran,
    active: document.querySelectorAll('img, link, iframe, object, embed, base, [src], [style]').length,
    scripts: document.scripts.length,
    handlers: [...document.querySelectorAll('*')].filter((el) => [...el.attributes].some(({ name }) => /^on/.test(name))).length,
    links: [...document.links].filter((a) => !/^#./.test(a.getAttribute('href'))).length,
    body: getComputedStyle(document.body).display,
  })`);
  assert.deepEqual(seen, { ran: 'undefined', active: 0, scripts: 1, handlers: 0, links: 0, body: 'block' });
  assert.deepEqual([requests, complaints], [[], []]);
  await page.context().close();
});

test('the policy of the page refuses what slipped in', async () => {
  const slipped = html(analysisOf('en')).replace(
    '<main id="main">',
    '<main id="main"><script>globalThis.ran = true</script><img src="http://127.0.0.1:9/x" onerror="globalThis.ran = true"><style>body{display:none}</style>',
  );
  const { page, complaints } = await open(slipped);
  assert.equal(
    await page.evaluate('typeof globalThis.ran + getComputedStyle(document.body).display'),
    'undefinedblock',
  );
  assert.ok(complaints.filter((text) => text.includes('Content Security Policy')).length >= 3, complaints.join('\n'));
  assert.match(policy, /^default-src 'none'; script-src 'sha256-[^']+'; style-src 'sha256-[^']+'; /);
  await page.context().close();
});

test('renderHtml() links only to places on the page, each id once', async () => {
  const { page } = await open(html(analysisOf('en')));
  const [broken, twice] = await page.evaluate<[string[], number]>(`[
    [...document.links].map((a) => a.getAttribute('href')).filter((href) => document.getElementById(href.slice(1)) === null),
    document.querySelectorAll('[id]').length - new Set([...document.querySelectorAll('[id]')].map((it) => it.id)).size,
  ]`);
  assert.deepEqual([broken, twice], [[], 0]);
  await page.context().close();
});

test('the filter shows what fits severity, state, conversation and text, and says how many', async () => {
  const { page } = await open(html(analysisOf('en')));
  const all = await shown(page);
  assert.equal(all.length, 7);
  await page.getByLabel('CRITICAL').uncheck();
  assert.deepEqual(await shown(page), ['F-1-3', 'F-1-2', 'F-1-4', 'F-3-1']);
  assert.equal(await page.locator('#shown').textContent(), '4 of 7 findings');
  await page.getByLabel('State').selectOption('fixed');
  assert.deepEqual(await shown(page), ['F-1-3']);
  assert.equal(await page.locator('details.conversation:not([hidden])').count(), 1);
  await page.getByRole('button', { name: 'Show all' }).click();
  await page.getByText('7 of 7 findings').waitFor();
  await page.getByLabel('Conversation').selectOption('conversation-3');
  assert.deepEqual(await shown(page), ['F-3-1']);
  await page.getByLabel('Conversation').selectOption('');
  await page.getByLabel('Text').fill('LIMIT attempts');
  assert.deepEqual(await shown(page), ['F-1-2']);
  await page.getByLabel('Text').fill('<script> nothing such');
  assert.ok(await page.locator('#nothing').isVisible());
  await page.context().close();
});

test('the page is worked with the keyboard alone', async () => {
  const { page } = await open(html(analysisOf('en')));
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate('document.activeElement.className'), 'skip');
  await page.getByLabel('Text').focus();
  await page.keyboard.type('attempts');
  assert.deepEqual(await shown(page), ['F-1-2']);
  await page.keyboard.press('Enter');
  assert.equal(await page.locator('#shown').textContent(), '1 of 7 findings');
  await page.locator('details.conversation:not([hidden]) > summary').focus();
  await page.keyboard.press('Space');
  assert.deepEqual(await shown(page), []);
  await page.context().close();
});

test('a link to a conversation opens it where many begin closed', async () => {
  const many = Array.from({ length: 14 }, (_, n) => conversationOf(`c${n}`, { findings: [findingOf(`F-${n + 1}-1`)] }));
  const { page } = await open(html(analysisOf('en', many)));
  assert.deepEqual(await shown(page), []);
  await page.locator('nav a').nth(6).click();
  await page.locator('#conversation-7[open]').waitFor();
  assert.deepEqual(await shown(page), ['F-7-1']);
  await page.context().close();
});

for (const [lang, scheme, width] of [
  ['fr', 'light', 390],
  ['en', 'dark', 390],
  ['fr', 'dark', 1200],
  ['en', 'light', 1200],
] as const) {
  test(`renderHtml() has nothing serious that axe finds and never scrolls sideways: ${lang}, ${scheme}, ${width}`, async () => {
    const { page } = await open(html(analysisOf(lang)), scheme, width);
    assert.ok((await page.evaluate<number>('document.documentElement.scrollWidth')) <= width);
    // Through the debugger, which the page's own policy does not bind.
    await page.evaluate(axe);
    const violations = await page.evaluate(
      `axe.run().then(({ violations }) => violations.filter(({ impact }) => impact === 'serious' || impact === 'critical').map(({ id, nodes }) => id + ': ' + nodes[0].html.slice(0, 200)))`,
    );
    assert.deepEqual(violations, []);
    if (shots !== undefined) {
      mkdirSync(shots, { recursive: true });
      await page.screenshot({ path: join(shots, `analysis-${lang}-${scheme}-${width}.png`), fullPage: true });
    }
    await page.context().close();
  });
}

test('renderHtml() prints every conversation, and no filter', async () => {
  const { page } = await open(html(analysisOf('fr')));
  await page.evaluate(`for (const details of document.querySelectorAll('details')) details.open = false`);
  await page.emulateMedia({ media: 'print' });
  assert.ok(await page.locator('#filter').isHidden());
  assert.ok(((await page.locator('details.conversation').first().boundingBox())?.height ?? 0) > 800);
  await page.context().close();
});

test('renderJunit() is well-formed whatever was said, with a suite per conversation and a failure per open weakness', async () => {
  const { page } = await open('<!doctype html><title>blank</title>');
  const read = (xml: string) =>
    page.evaluate<{ error: string | null; suites: string[]; counts: string[]; failed: string[] }>(`(() => {
      const tree = new DOMParser().parseFromString(${JSON.stringify(xml)}, 'application/xml');
      return {
        error: tree.querySelector('parsererror')?.textContent ?? null,
        suites: [...tree.querySelectorAll('testsuite')].map((it) => it.getAttribute('name')),
        counts: ['tests', 'failures', 'errors', 'skipped'].map((name) => tree.documentElement.getAttribute(name)),
        failed: [...tree.querySelectorAll('testcase')].filter((it) => it.querySelector('failure')).map((it) => it.getAttribute('name').split(' ')[0]),
      };
    })()`);
  const mixed = await read([...renderJunit(analysisOf('en'))].join(''));
  assert.equal(mixed.error, null);
  assert.deepEqual(mixed.suites.slice(0, 2), ['1. Python login', '2. Python login']);
  assert.deepEqual(mixed.counts, ['9', '3', '1', '3']);
  assert.deepEqual(mixed.failed, ['F-1-1', 'F-5-1', 'F-5-2']);
  const low = { ...analysisOf('en', [conversationOf('c', { findings: [findingOf('F-1-1', { severity: 'low' })] })]) };
  assert.deepEqual((await read([...renderJunit(low, 'medium')].join(''))).failed, []);
  assert.deepEqual((await read([...renderJunit(low, 'low')].join(''))).failed, ['F-1-1']);
  await page.context().close();
});

interface Sarif {
  runs: {
    tool: { driver: { rules: { id: string; properties: { tags: string[]; 'security-severity': string } }[] } };
    taxonomies: { taxa: { id: string }[] }[];
    results: {
      ruleIndex: number;
      level: string;
      partialFingerprints: Record<string, string>;
      suppressions?: { justification: string }[];
      locations: { physicalLocation: { artifactLocation: { uri: string }; region: { startLine: number } } }[];
      taxa: { id: string; index: number }[];
    }[];
    invocations: { executionSuccessful: boolean; toolExecutionNotifications: object[] }[];
  }[];
}

test('renderSarif() says rule, class, severity and place of each finding, and what nobody has to act on', () => {
  const [run] = (JSON.parse(renderSarif(analysisOf('en'))) as Sarif).runs;
  const [rule] = run!.tool.driver.rules;
  assert.equal(rule!.id, 'python-sql-format');
  assert.deepEqual(rule!.properties.tags, ['security', 'external/cwe/cwe-307', 'external/owasp/a03:2021']);
  assert.equal(rule!.properties['security-severity'], '9.5');
  assert.deepEqual(
    run!.taxonomies[0]!.taxa.map(({ id }) => id),
    ['89', '307', '328', '916'],
  );
  assert.equal(run!.results.length, 7);
  for (const { taxa } of run!.results)
    for (const { id, index } of taxa) assert.equal(run!.taxonomies[0]!.taxa[index]!.id, id);
  const suppressed = run!.results.filter(({ suppressions }) => suppressions !== undefined);
  assert.deepEqual(
    suppressed.map(({ suppressions }) => suppressions![0]!.justification.split(':')[0]),
    ['Fixed', 'Teaching example'],
  );
  const uris = run!.results.map(({ locations }) => locations[0]!.physicalLocation.artifactLocation.uri);
  assert.ok(uris.includes('conversations/001-python-login/msg-0002/block-01.py'), uris.join('\n'));
  for (const uri of uris) assert.match(uri, /^conversations\/\d{3}[a-z0-9-]*\/msg-\d{4}[a-z0-9./-]*$/);
  assert.equal(run!.invocations[0]!.executionSuccessful, false);
  assert.equal(run!.invocations[0]!.toolExecutionNotifications.length, 2);
  assert.doesNotMatch(renderSarif(analysisOf('en')), /[\u202e\u0007]/);
});
