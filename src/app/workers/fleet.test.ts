// The supervision of workers, with threads that only do what the test says.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { createFleet, type Fleet, type FleetTimes, type Loss } from './fleet.ts';

const times: FleetTimes = {
  steadyMs: 60_000,
  stuckMs: 4_000,
  firstWaitMs: 100,
  longestWaitMs: 400,
  startMs: 20_000,
  leaveMs: 10_000,
  lookMs: 100,
};
const source = `
  import { parentPort, workerData } from 'node:worker_threads';
  const { beats, row, slot, plan } = workerData;
  const tell = (method, ...given) => parentPort.postMessage({ kind: 'call', object: 'fleet', method, given });
  if (plan === 'refuse') tell('failed', 'ERR_PORT_BUSY', { port: 1, host: 'h', flag: 'f' });
  else {
    setInterval(() => Atomics.add(new Int32Array(beats), row, 1), 50);
    tell('ready');
    if (plan === 'hang') setTimeout(() => { for (;;); }, 100);
    if (plan === 'die') setTimeout(() => { throw new Error('planned'); }, 50);
    if (plan === 'spent') setTimeout(() => tell('spent'), 50);
  }`;

const fleets: Fleet[] = [];
after(() => Promise.all(fleets.map((fleet) => fleet.close(async () => undefined))));

/** `planOf`: what the nth thread of a slot does. */
function makeFleet(workers: number, planOf: (slot: number, nth: number) => string) {
  const beats = new SharedArrayBuffer(4 * 100);
  const losses: (Loss & { at: number })[] = [];
  const started = new Map<number, number>();
  const buried: number[] = [];
  const alive = new Set<number>();
  const fleet = createFleet({
    workers,
    times,
    now: Date.now,
    startThread({ slot, row }) {
      assert.ok(!alive.has(row), 'no two that live have one row');
      alive.add(row);
      const nth = (started.get(slot) ?? 0) + 1;
      started.set(slot, nth);
      const workerData = { beats, row, slot, plan: planOf(slot, nth) };
      return new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`), { workerData });
    },
    served: () => ({}),
    beats: (row) => Atomics.load(new Int32Array(beats), row),
    bury(row) {
      buried.push(row);
      alive.delete(row);
    },
    onLoss: (loss) => losses.push({ ...loss, at: Date.now() }),
    onServing() {},
    onGone() {},
  });
  fleets.push(fleet);
  return { fleet, losses, started, buried, alive };
}

async function until(happened: () => boolean, withinMs = 120_000): Promise<void> {
  const end = Date.now() + withinMs;
  while (!happened()) {
    assert.ok(Date.now() < end, 'it did not happen');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test('createFleet() ends a worker that no longer moves, and starts another one in its place', async () => {
  const { fleet, losses, buried } = makeFleet(2, (slot, nth) => (slot === 2 && nth === 1 ? 'hang' : 'serve'));
  await fleet.start();
  await until(() => losses.length === 1);
  assert.deepEqual([losses[0]?.slot, losses[0]?.cause, losses[0]?.serving], [2, 'stuck', 1]);
  await until(() => fleet.state().serving === 2);
  assert.equal(buried.length, 1, 'what it held is free again');
  await new Promise((resolve) => setTimeout(resolve, 1.5 * times.stuckMs));
  assert.equal(losses.length, 1, 'who beats is left alone');
});

test('createFleet() waits longer each time one dies young, and calls it a crash loop from the third time on', async () => {
  const { fleet, losses } = makeFleet(1, (_slot, nth) => (nth <= 5 ? 'die' : 'serve'));
  await fleet.start();
  await until(() => losses.length === 5);
  assert.deepEqual(
    losses.map(({ cause, times: nth, waitMs }) => [cause, nth, waitMs]),
    [
      ['exception', 1, 0],
      ['exception', 2, 100],
      ['exception', 3, 200],
      ['exception', 4, 400],
      ['exception', 5, 400],
    ],
  );
  assert.equal(fleet.state().crashing, true);
  for (const [nth, { at, waitMs }] of losses.slice(0, -1).entries())
    assert.ok((losses[nth + 1]?.at ?? 0) - at >= waitMs, 'it waited so long');
  await until(() => fleet.state().serving === 1);
});

test('createFleet() rejects a start with what keeps a worker from serving, and starts nobody again', async () => {
  const { fleet, losses, started } = makeFleet(2, (slot) => (slot === 1 ? 'refuse' : 'serve'));
  await assert.rejects(fleet.start(), { code: 'ERR_PORT_BUSY' });
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.deepEqual([losses.length, started.get(1)], [0, 1]);
});

test('createFleet() starts a successor at once for one whose heap is nearly full, and lets that one go on', async () => {
  const { fleet, losses, alive } = makeFleet(1, (_slot, nth) => (nth === 1 ? 'spent' : 'serve'));
  await fleet.start();
  await until(() => losses.length === 1 && fleet.state().serving === 1);
  assert.deepEqual([losses[0]?.cause, alive.size], ['memory', 2]);
  await fleet.close(async () => undefined);
  assert.equal(alive.size, 0);
});
