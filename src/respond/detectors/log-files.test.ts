import assert from 'node:assert/strict';
import { appendFileSync, chmodSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { logFilesDetector } from './log-files.ts';
import { createLogFollower } from './log-follower.ts';
import { levelOf, loadLogRules, wordAfter } from './log-rules.ts';
import { testContext, until } from './test-context.ts';
import { realTimers } from './timers.ts';

const rules = loadLogRules();

for (const rule of rules)
  test(`rules/detect/logs.yaml: ${rule.id} finds its examples and nothing in the lines that look alike`, () => {
    for (const line of rule.examples) assert.ok(rule.matches(line, levelOf(line)), line);
    for (const line of rule.clean) assert.ok(!rule.matches(line, levelOf(line)), line);
  });

test('loadLogRules() gives each rule an id of its own', () => {
  assert.equal(new Set(rules.map(({ id }) => id)).size, rules.length);
});

for (const [line, level] of [
  ['2026-01-01 ERROR down', 'error'],
  ['ERROR:root:down', 'error'],
  ['2026/01/01 [error] 31#0: *1 open() failed', 'error'],
  ['{"level":50,"msg":"x"}', 'error'],
  ['{"severity":"CRITICAL"}', 'critical'],
  ['{"level":"info","msg":"ERROR"}', undefined],
  ['INFO no errors', undefined],
  [`${'x'.repeat(200)} ERROR`, undefined],
  ['{"level":', undefined],
] as const)
  test(`levelOf() takes ${line.slice(0, 40)} for ${level ?? 'nothing that matters'}`, () => {
    assert.equal(levelOf(line), level);
  });

test('wordAfter() takes an address out of a line, and nothing else', () => {
  assert.equal(wordAfter('Failed password for root from 203.0.113.7 port 2', [' from ']), '203.0.113.7');
  assert.equal(wordAfter('x rhost=2001:db8::1  user=root', ['rhost=']), '2001:db8::1');
  assert.equal(wordAfter('x from \u001b[2J', [' from ']), undefined);
  assert.equal(wordAfter('nothing', [' from ']), undefined);
});

function watched(t: { after(fn: () => Promise<void>): void }, patterns = ['*.log']) {
  const folder = mkdtempSync(join(tmpdir(), 'rempart-logs-'));
  writeFileSync(join(folder, 'app.log'), '2026-01-01 INFO begun\n');
  const open = () =>
    createLogFollower({ patterns, folder, placesFile: join(folder, 'places.json'), timers: realTimers, everyMs: 20 });
  const begin = () => {
    const context = testContext();
    const follower = open();
    const handle = logFilesDetector(follower, rules).start(context);
    return { context, follower, close: async () => handle.close() };
  };
  t.after(async () => rmSync(folder, { recursive: true, force: true }));
  return { folder, begin, log: join(folder, 'app.log') };
}

test('logFilesDetector() tells of memory that is exhausted, without the line itself', async (t) => {
  const { begin, log } = watched(t);
  const { context, close } = begin();
  t.after(close);
  await until(() => context.lives > 0, 'the first look');
  appendFileSync(log, 'kernel: Out of memory: Killed process 4242 (evil\u001b[2Jname)\n');
  await until(() => context.told.length > 0, 'a detection');
  const [told] = context.told;
  assert.deepEqual(
    [told!.type, told!.subject, told!.facts['rule']],
    ['memory-exhaustion', 'app.log', 'memory-exhausted'],
  );
  assert.ok(!JSON.stringify(told).includes('evil'));
});

test('logFilesDetector() counts failed logins by the address they came from', async (t) => {
  const { begin, log } = watched(t);
  const { context, close } = begin();
  t.after(close);
  await until(() => context.lives > 0, 'the first look');
  for (let count = 0; count < 11; count++) {
    appendFileSync(log, `sshd: Failed password for root from 203.0.113.7 port ${count}\n`);
    appendFileSync(log, `sshd: Failed password for root from 198.51.100.${count} port 4\n`);
  }
  const { lives } = context;
  await until(() => context.lives > lives + 2, 'another look');
  assert.deepEqual(context.told, []);
  appendFileSync(log, 'sshd: Failed password for root from 203.0.113.7 port 9\n');
  await until(() => context.told.length > 0, 'a detection');
  assert.deepEqual(
    context.told.map(({ type, subject, facts }) => [type, subject, facts['count']]),
    [['unauthorised-access', '203.0.113.7', 12]],
  );
});

test('logFilesDetector() reads after a restart what was written meanwhile, once', async (t) => {
  const { begin, log } = watched(t);
  const before = begin();
  await until(() => before.context.lives > 0, 'the first look');
  appendFileSync(log, 'container escape detected\n');
  await until(() => before.context.told.length === 1, 'a detection');
  await before.close();
  appendFileSync(log, 'INFO while away\nkernel: Out of memory: Killed process 1 (x)\n');
  renameSync(log, `${log}.1`);
  writeFileSync(log, 'container escape detected\n');
  const after = begin();
  t.after(after.close);
  await until(() => after.context.told.length === 2, 'both detections');
  assert.deepEqual(
    after.context.told.map(({ type }) => type),
    ['memory-exhaustion', 'container-escape'],
  );
});

test('logFilesDetector() goes on with the other files when one may not be read', async (t) => {
  const { begin, folder, log } = watched(t, ['app.log', 'other']);
  writeFileSync(join(folder, 'other'), '');
  chmodSync(join(folder, 'other'), 0);
  const { context, close } = begin();
  t.after(close);
  await until(() => context.lives > 0, 'the first look');
  appendFileSync(log, 'container escape detected\n');
  await until(() => context.told.length > 0, 'a detection');
  assert.deepEqual(context.failures, []);
});

test('logFilesDetector() survives lines of ten megabytes and bytes that are no text', async (t) => {
  const { begin, log } = watched(t);
  const { context, close } = begin();
  t.after(close);
  await until(() => context.lives > 0, 'the first look');
  appendFileSync(log, Buffer.concat([Buffer.alloc(10_000_000, 0xfe), Buffer.from('\ncontainer escape detected\n')]));
  await until(() => context.told.length > 0, 'a detection');
  assert.deepEqual(context.failures, []);
});

test('logFilesDetector() takes errors that are usual for a file for no incident, and a burst above them for one', () => {
  let at = 0;
  const context = testContext(() => at);
  let take: Parameters<ReturnType<typeof createLogFollower>['follow']>[1] = () => {};
  const follower = {
    follow: (_: unknown, given: typeof take) => {
      take = given;
      return { close: async () => {} };
    },
    state: () => ({ files: 1, unreadable: 0, skippedBytes: 0 }),
  };
  logFilesDetector(follower, rules).start(context);
  const line = () => take({ text: 'ERROR upstream answered 502', file: 'app.log', path: '/app.log', cutBytes: 0 });
  for (let minute = 0; minute < 60; minute++)
    for (let count = 0; count < 20; count++) {
      at += 3_000;
      line();
    }
  assert.equal(context.told.length, 0);
  for (let count = 0; count < 300; count++) {
    at += 100;
    line();
  }
  const [burst] = context.told;
  assert.ok(Number(burst?.facts['count']) > 110);
});
