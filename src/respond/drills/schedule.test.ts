// When drills come by themselves, over a real store and a clock of the test's own.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import pino from 'pino';
import { openStore } from '../../platform/store/store.ts';
import { until } from './drill.ts';
import { readDue, scheduleDrills } from './schedule.ts';

const dayMs = 86_400_000;
const dir = mkdtempSync(join(tmpdir(), 'rempart-schedule-'));
after(() => rmSync(dir, { recursive: true, force: true }));
let files = 0;
const log = pino({ level: 'silent' });

async function opened(now: { ms: number }, random = 0.5) {
  const store = await openStore({ path: join(dir, `${files++}.sqlite`) });
  const held: number[] = [];
  const start = (schedule: 'monthly' | 'weekly' | 'off', drill: (signal: AbortSignal) => Promise<void>) =>
    scheduleDrills({ store, now: () => now.ms, random: () => random, log, drill }, schedule, 10);
  return { store, held, start };
}

test('scheduleDrills() holds drills a month after it first ran, once, and says when they come next', async () => {
  const now = { ms: 1_000 };
  const { store, held, start } = await opened(now);
  const times = start('monthly', async () => void held.push(now.ms));
  assert.ok(await until(async () => (await times.next()) === 1_000 + 30 * dayMs, 60_000));
  now.ms += 30 * dayMs - 1;
  await new Promise((resolve) => setTimeout(resolve, 60));
  assert.deepEqual(held, []);
  now.ms += 1;
  assert.ok(await until(() => held.length === 1, 60_000));
  assert.ok(await until(async () => (await times.next()) === now.ms + 30 * dayMs, 60_000));
  await new Promise((resolve) => setTimeout(resolve, 60));
  assert.equal(held.length, 1);
  await times.close();
  await store.close();
});

test('scheduleDrills() keeps the date over a restart, and begins again what a crash cut off', async () => {
  const now = { ms: 5_000 };
  const { store, held, start } = await opened(now, 0);
  const first = start('weekly', async () => undefined);
  assert.ok(await until(async () => (await first.next()) !== null, 60_000));
  const due = await readDue(store);
  assert.equal(due, 5_000 + 6 * dayMs);
  await first.close();
  now.ms = due!;
  // Begun, and never ended: the process is gone.
  await store.db.updateTable('drill_schedule').set({ began_at: due }).execute();
  const second = start('weekly', async () => void held.push(now.ms));
  await new Promise((resolve) => setTimeout(resolve, 60));
  assert.deepEqual(held, []);
  now.ms += 3_600_001;
  assert.ok(await until(() => held.length === 1, 60_000));
  await second.close();
  await store.close();
});

test('scheduleDrills() holds nothing while it is off, and two nodes of one store hold them once', async () => {
  const now = { ms: 0 };
  const { store, held, start } = await opened(now);
  const off = start('off', async () => void held.push(-1));
  assert.equal(await off.next(), null);
  await off.close();
  const nodes = [start('weekly', async () => void held.push(1)), start('weekly', async () => void held.push(2))];
  assert.ok(await until(async () => (await readDue(store)) !== null, 60_000));
  now.ms = 40 * dayMs;
  assert.ok(await until(() => held.length > 0, 60_000));
  await new Promise((resolve) => setTimeout(resolve, 80));
  assert.equal(held.length, 1);
  await Promise.all(nodes.map((node) => node.close()));
  await store.close();
});
