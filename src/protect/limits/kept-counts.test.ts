// Counts of a day over a restart: exact after an orderly end, on the safe side after one that was none.
import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createSharedMemory } from '../../platform/shared/memory.ts';
import { openKeptCounts } from './kept-counts.ts';
import { createLimiter } from './limiter.ts';
import { limitsSchema } from './limits-config.ts';

const folder = mkdtempSync(join(tmpdir(), 'rempart-kept-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const noon = Date.parse('2026-06-15T12:00:00Z');
const asked = {
  subject: 'a',
  role: 'user',
  credential: 'k',
  sourceIp: '10.0.0.1',
  operation: 'x',
  model: 'm',
} as const;
const log = { error() {}, warn() {} };
const settings = limitsSchema.parse({
  rules: [
    { per: 'user', every: 'day', requests: 100 },
    { per: 'user', every: 'month', tokens: 10_000 },
  ],
});

async function start(name: string, at = noon) {
  const clock = { now: at };
  const now = () => clock.now;
  const memory = createSharedMemory();
  const kept = await openKeptCounts({ file: join(folder, name), memory, now, log, everyMs: 10 });
  const limiter = createLimiter({ now, memory, touched: kept.touched }, settings);
  const begin = () => limiter.begin(asked, { promptTokens: () => 10, maxTokens: 90 });
  return { kept, begin, clock };
}

test('openKeptCounts() takes up after an orderly end what was counted, and after the day only what the month counts', async () => {
  const first = await start('orderly');
  for (let nth = 0; nth < 7; nth++) first.begin().settle({ promptTokens: 10, completionTokens: 5 });
  await first.kept.close();

  const second = await start('orderly');
  const next = second.begin();
  assert.deepEqual([next.requests?.remaining, next.tokens?.remaining], [92, 10_000 - 105 - 100]);
  next.settle(undefined);
  await second.kept.close();

  const tomorrow = await start('orderly', noon + 86_400_000);
  const grant = tomorrow.begin();
  assert.deepEqual([grant.requests?.remaining, grant.tokens?.remaining], [99, 10_000 - 105 - 100]);
  await tomorrow.kept.close();
});

test('openKeptCounts() takes up no less after an end that was none, also when the last line was cut', async () => {
  const first = await start('killed');
  const path = join(folder, 'killed');
  const before = readFileSync(path, 'utf8');
  for (let nth = 0; nth < 10; nth++) first.begin();
  while (readFileSync(path, 'utf8') === before) await new Promise((resolve) => setTimeout(resolve, 5));
  for (let nth = 0; nth < 5; nth++) first.begin();
  await new Promise((resolve) => setTimeout(resolve, 5));
  // What is on the disk at this moment is all that a killed process leaves.
  copyFileSync(path, join(folder, 'copy'));
  writeFileSync(join(folder, 'copy'), '["cut', { flag: 'a' });
  await first.kept.close();

  const second = await start('copy');
  const remaining = second.begin().requests?.remaining ?? 0;
  assert.ok(remaining <= 89 && remaining >= 70, String(remaining));
  await second.kept.close();
});

test('openKeptCounts() names nobody in its file and does not let it grow without end', async () => {
  const { kept, begin } = await start('bounded');
  for (let nth = 0; nth < 50; nth++) begin();
  await kept.close();
  const text = readFileSync(join(folder, 'bounded'), 'utf8');
  assert.ok(!text.includes('"a"'));
  const again = await start('bounded');
  await again.kept.close();
  assert.ok(readFileSync(join(folder, 'bounded'), 'utf8').split('\n').length <= 6);
});
