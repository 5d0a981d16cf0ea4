// A question that waits, on the console's page in a real browser: its place in the queue, then its answer where the excuse stood.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import chromium from '@sparticuz/chromium';
import { type Browser, chromium as playwright } from 'playwright-core';
import { type DeferredRig, startDeferredRig } from './deferred-rig.ts';
import { until } from './instance.ts';

/** Set it to a directory to look at what the browser saw. */
const shots = process.env['REMPART_TEST_SCREENSHOTS'];
let rig: DeferredRig;
let browser: Browser;

before(async () => {
  rig = await startDeferredRig({}, 'chatbot: {model: m}');
  browser = await playwright.launch({
    timeout: 240_000,
    executablePath: await chromium.executablePath(),
    args: chromium.args.filter((arg) => arg !== '--single-process' && arg !== '--disable-web-security'),
    headless: true,
  });
});
after(async () => {
  await browser?.close();
  await rig?.close();
});

for (const [locale, place] of [
  ['en-GB', 'Place in the queue: 1. The answer will appear here.'],
  ['fr-FR', 'Place dans la file : 1. La réponse apparaîtra ici.'],
] as const)
  test(`the page follows a question that waits (${locale})`, async () => {
    rig.mood = 'quota';
    rig.says = `answered at last, ${locale}`;
    const context = await browser.newContext({ locale, viewport: { width: 1100, height: 800 } });
    context.setDefaultTimeout(120_000);
    const page = await context.newPage();
    await page.goto(rig.instance.consoleUrl);
    await page.waitForSelector('#login:not([hidden])');
    await page.fill('#password', rig.instance.password ?? '');
    await page.keyboard.press('Enter');
    await page.waitForSelector('#inside:not([hidden]) #dependencies li');
    await page.fill('#message', `is it late? ${locale}`);
    await page.keyboard.press('Enter');
    await page.locator('#thread', { hasText: place }).waitFor();
    if (shots !== undefined) {
      mkdirSync(shots, { recursive: true });
      await page.screenshot({ path: join(shots, `deferred-${locale}.png`) });
    }
    rig.mood = 'answers';
    await until(async () => (await rig.ask(`anybody? ${Math.random()}`, {})).status === 200);
    await page.locator('#thread', { hasText: rig.says }).waitFor();
    const turns = await page.locator('#thread .turn').allTextContents();
    assert.equal(turns.length, 2, turns.join(' | '));
    assert.ok(!turns.join(' ').includes(place), 'the excuse is gone');
  });
