import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createHabits, type InjectionSign, shapeOf, signsIn } from './injection-signs.ts';
import { createLogFollower } from './log-follower.ts';
import { logInjectionDetector } from './log-injection.ts';
import { testContext, until } from './test-context.ts';
import { realTimers } from './timers.ts';

const hostile: readonly [string, InjectionSign][] = [
  ['INFO user=\u001b]0;owned\u0007 logged in', 'terminal'],
  ['INFO user=\u001b[1A\u001b[2KINFO all is well', 'terminal'],
  ['INFO user=\u001b[2J', 'terminal'],
  ['INFO file=\u202egnp.exe opened', 'bidi'],
  ['INFO name=\u2066never closed', 'bidi'],
  ['INFO login bob\r2026-01-01 10:00:00 INFO login admin', 'carriage-return'],
  ['GET /?q=a%0d%0a2026-01-01%2010:00:00%20INFO%20login%20admin', 'encoded-entry'],
  ['GET /?q=a%0aINFO:%20login%20admin HTTP/1.1', 'encoded-entry'],
  ['GET /?q=a%0a[ERROR]%20x HTTP/1.1', 'encoded-entry'],
  ['login failed for a\\n2026-01-01 10:00:00 INFO login admin', 'escaped-entry'],
];
for (const [line, sign] of hostile)
  test(`signsIn() sees ${sign} in ${JSON.stringify(line).slice(0, 60)}`, () => {
    assert.deepEqual(signsIn(line), [sign]);
  });

for (const line of [
  '\u001b[32mINFO\u001b[0m coloured by an ordinary logger',
  '\u001b[1m\u001b[33mwarn\u001b[39m\u001b[22m slow',
  '\rdownloading 12 %\rdownloading 13 %\r\u001b[Kdownloading 14 %',
  '{"level":"error","msg":"child said:\\n2026-01-01 10:00:00 ERROR down"}',
  '{"msg":"\\u001b]0;x\\u0007 is escaped as it should be"}',
  'INFO متن فارسی با \u2067نام\u2069 کاربر',
  'INFO שלום \u200f(1)',
  'GET /search?q=50%25%20off%0Anext HTTP/1.1',
  'GET /static/app.js?v=%0a HTTP/1.1',
  'Traceback (most recent call last):\\n  File "x.py"',
  'C:\\new\\runs\\2026-01-01 are written',
  'prompt="explain \\n in regular expressions"',
])
  test(`signsIn() sees nothing in ${JSON.stringify(line).slice(0, 60)}`, () => {
    assert.deepEqual(signsIn(line), []);
  });

test('shapeOf() makes entries of one format alike, whatever they say', () => {
  const one = shapeOf('2026-01-01T10:00:00.123Z INFO started in 3 ms');
  assert.equal(one, shapeOf('2026-12-31T23:59:59.9Z ERROR [db] no answer from 10.0.0.1'));
  assert.notEqual(one, shapeOf('Jan  1 10:00:00 host sshd[1]: Accepted password for root'));
  assert.equal(shapeOf('    at run (file.js:3:1)'), undefined);
});

test('createHabits() tells of an entry that goes back in time, and not of a clock that was set back', () => {
  const habits = createHabits();
  const entry = (ms: number) => habits.add(`${new Date(ms).toISOString()} INFO x`, ms + 10_000_000);
  const start = Date.UTC(2026, 0, 1);
  for (let count = 0; count < 300; count++) assert.deepEqual(entry(start + count * 1_000), []);
  assert.deepEqual(entry(start - 3_600_000), ['time-back']);
  assert.deepEqual(entry(start + 301_000), []);
  const back = Array.from({ length: 200 }, (_, count) => entry(start - 3_600_000 + count * 1_000));
  assert.ok(back.slice(6).every((signs) => signs.length === 0));
});

test('createHabits() learns a file whose times jump by nature', () => {
  const habits = createHabits();
  const start = Date.UTC(2026, 0, 1);
  let signs = 0;
  for (let count = 0; count < 3_000; count++) {
    const at = count % 10 === 3 ? start - 9_000_000 : start + count * 1_000;
    signs += habits.add(`${new Date(at).toISOString()} INFO x`, start + 3_100_000).length;
  }
  assert.ok(signs <= 30, `${signs}`);
});

test('logInjectionDetector() tells of a forged entry in a real file, and keeps its text to itself', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'rempart-injection-'));
  const log = join(folder, 'app.log');
  writeFileSync(log, '');
  const context = testContext();
  const follower = createLogFollower({ patterns: ['app.log'], folder, timers: realTimers, everyMs: 20 });
  const handle = logInjectionDetector(follower).start(context);
  t.after(async () => {
    await handle.close();
    rmSync(folder, { recursive: true });
  });
  await until(() => context.lives > 0, 'the first look');
  appendFileSync(log, 'INFO login \u001b]0;owned\u0007\u202eevil\r2026-01-01 10:00:00 INFO login admin\n');
  await until(() => context.told.length > 0, 'a detection');
  const [told] = context.told;
  assert.deepEqual([told!.type, told!.subject, told!.severity], ['log-injection', 'app.log', 'high']);
  assert.equal(told!.facts['signs'], 'bidi carriage-return terminal');
  assert.ok(!/evil|owned|admin/.test(JSON.stringify(told)));
});

test('logInjectionDetector() takes one weak sign for none, and three within two minutes for one', () => {
  let at = 0;
  const context = testContext(() => at);
  let take: Parameters<ReturnType<typeof createLogFollower>['follow']>[1] = () => {};
  logInjectionDetector({
    follow: (_, given) => {
      take = given;
      return { close: async () => {} };
    },
    state: () => ({ files: 1, unreadable: 0, skippedBytes: 0 }),
  }).start(context);
  const line = () => take({ text: 'INFO q=a\\nERROR: b', file: 'a.log', path: '/a.log', cutBytes: 0 });
  for (let count = 0; count < 20; count++) {
    line();
    at += 100_000;
  }
  assert.equal(context.told.length, 0);
  line();
  line();
  assert.deepEqual(
    context.told.map(({ severity, facts }) => [severity, facts['signs']]),
    [['medium', 'escaped-entry']],
  );
});
