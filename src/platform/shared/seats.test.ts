// Seats over several threads: never more than are allowed, and what a dead thread held is free again.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { createSeatMemory, openSeats, ownSeats, vacate } from './seats.ts';

for (const [name, open] of [
  ['ownSeats()', () => ownSeats()],
  ['openSeats()', () => openSeats(createSeatMemory(3), 1)],
] as const) {
  test(`${name} gives as many seats as are allowed, each key its own number, and takes them back`, () => {
    const seats = open();
    assert.deepEqual([seats.sit(2), seats.sit(2), seats.sit(2), seats.running()], [true, true, false, 2]);
    seats.rise();
    assert.equal(seats.sit(2), true);
    assert.deepEqual([seats.hold('a', 1), seats.hold('a', 1), seats.hold('b', 1)], [true, false, true]);
    seats.free('a');
    assert.equal(seats.hold('a', 1), true);
    assert.equal(seats.hold('a', Number.POSITIVE_INFINITY), true);
  });
}

test('openSeats() counts what every thread holds, and vacate() frees what a dead one held', () => {
  const memory = createSeatMemory(2);
  const [first, second] = [openSeats(memory, 0), openSeats(memory, 1)];
  assert.ok(first.sit(2) && second.sit(2) && first.hold('key', 2) && second.hold('key', 2));
  assert.deepEqual([first.sit(2), second.hold('key', 2), second.running()], [false, false, 2]);
  vacate(memory, 0);
  assert.deepEqual([second.running(), second.hold('key', 2), second.sit(2), second.sit(2)], [1, true, true, false]);
});

test('openSeats() never lets threads that hurry have more than are allowed, and loses none', async () => {
  const memory = createSeatMemory(3);
  const shared = new Int32Array(new SharedArrayBuffer(8));
  const source = `
    import { parentPort, workerData } from 'node:worker_threads';
    import { openSeats } from ${JSON.stringify(new URL('./seats.ts', import.meta.url).href)};
    const { memory, shared, thread } = workerData;
    const seats = openSeats(memory, thread);
    let sat = 0;
    for (let round = 0; round < 30_000; round++) {
      const held = seats.hold('one', 2);
      const both = held && seats.sit(2);
      if (both) {
        sat++;
        const at = Atomics.add(shared, 0, 1) + 1;
        if (at > 2) Atomics.add(shared, 1, 1);
        Atomics.sub(shared, 0, 1);
        seats.rise();
      }
      if (held) seats.free('one');
    }
    parentPort.postMessage(sat);`;
  const workers = [0, 1, 2].map(
    (thread) =>
      new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`), {
        workerData: { memory, shared, thread },
      }),
  );
  const sat = await Promise.all(workers.map(async (worker) => ((await once(worker, 'message')) as [number])[0]));
  assert.ok(sat.every((count) => count > 0));
  assert.equal(Atomics.load(shared, 1), 0);
  const seats = openSeats(memory, 0);
  assert.deepEqual([seats.running(), seats.hold('one', 1)], [0, true]);
  await Promise.all(workers.map((worker) => worker.terminate()));
});
