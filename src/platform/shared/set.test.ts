// A set that threads share: who waits for a change hears of one that another thread made.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { createSharedMemory } from './memory.ts';
import { openSet } from './set.ts';

/** Holds the event loop open meanwhile, as a server does: the wait alone does not. */
async function whileServing<T>(work: () => Promise<T>): Promise<T> {
  const serving = setInterval(() => {}, 1_000);
  try {
    return await work();
  } finally {
    clearInterval(serving);
  }
}

test('onChange() calls back when another thread adds, and after its end no more', async () => {
  const memory = createSharedMemory();
  const set = openSet(memory);
  let called = 0;
  const first = Promise.withResolvers<void>();
  const end = set.onChange(() => {
    called++;
    first.resolve();
  });
  const code = `import(${JSON.stringify(new URL('./set.ts', import.meta.url).href)}).then(({ openSet }) => {
    openSet(require('node:worker_threads').workerData).add('key', 1);
  });`;
  const thread = new Worker(code, { eval: true, workerData: memory });
  await whileServing(async () => {
    await first.promise;
    await once(thread, 'exit');
  });
  assert.equal(set.has('key', 2), true);
  assert.equal(called, 1);
  end();
  const other = openSet(memory);
  await whileServing(async () => {
    const heard = new Promise<void>((resolve) => set.onChange(resolve));
    other.remove('key');
    await heard;
  });
  assert.equal(called, 1);
});

test('onChange() hears of its own changes, and of one that comes while another is told', async () => {
  const set = openSet(createSharedMemory());
  const both = Promise.withResolvers<void>();
  let called = 0;
  set.onChange(() => {
    called++;
    if (called === 1) set.add('second', 1);
    else both.resolve();
  });
  set.add('first', 1);
  await whileServing(() => both.promise);
  assert.equal(called, 2);
});
