import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { createBus } from './bus.ts';

const busUrl = new URL('./bus.ts', import.meta.url).href;

test('createBus() delivers to this thread before publish returns, and says that it is its own', () => {
  const bus = createBus(randomUUID());
  const seen: unknown[] = [];
  bus.subscribe('a', (data, { own }) => seen.push([data, own]));
  bus.subscribe('b', () => seen.push('wrong topic'));
  bus.publish('a', { n: 1 });
  assert.deepEqual(seen, [[{ n: 1 }, true]]);
  bus.close();
});

test('createBus() reaches subscribers on another thread and hears what they publish', async () => {
  const name = randomUUID();
  const bus = createBus(name);
  const worker = new Worker(
    `import(${JSON.stringify(busUrl)}).then(({ createBus }) => {
      const bus = createBus(${JSON.stringify(name)});
      bus.subscribe('ask', (data, { own }) => bus.publish('answer', { data, own }));
      require('node:worker_threads').parentPort.once('message', () => bus.close());
      bus.publish('ready');
    });`,
    { eval: true },
  );
  const ended = once(worker, 'exit');
  await new Promise<void>((resolve) => bus.subscribe('ready', () => resolve()));
  const answer = new Promise<unknown>((resolve) => bus.subscribe('answer', (data, { own }) => resolve([data, own])));
  bus.publish('ask', ['é', 2]);
  assert.deepEqual(await answer, [{ data: ['é', 2], own: false }, false]);
  worker.postMessage('end');
  assert.deepEqual(await ended, [0]);
  bus.close();
});

test('createBus() keeps buses of other names apart', async () => {
  const one = createBus(randomUUID());
  const other = createBus(randomUUID());
  let heard = 0;
  other.subscribe('a', () => heard++);
  one.publish('a');
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(heard, 0);
  one.close();
  other.close();
});

test('createBus() tells a subscription that has ended nothing more, and nothing once closed', () => {
  const bus = createBus(randomUUID());
  let heard = 0;
  const end = bus.subscribe('a', () => heard++);
  bus.publish('a');
  end();
  bus.publish('a');
  bus.subscribe('a', () => heard++);
  bus.close();
  bus.publish('a');
  bus.close();
  assert.equal(heard, 1);
});

test('createBus() lets a thread take in at once what another has published, before its event loop turns', async () => {
  const word = new Int32Array(new SharedArrayBuffer(8));
  const name = `catch-up-${process.pid}`;
  const source = `
    import { parentPort, workerData } from 'node:worker_threads';
    import { createBus } from ${JSON.stringify(new URL('./bus.ts', import.meta.url).href)};
    const { name, word } = workerData;
    const bus = createBus(name, word);
    parentPort.postMessage('open');
    Atomics.wait(word, 1, 0);
    for (let nth = 1; nth <= 1_000; nth++) bus.publish('number', nth);
    Atomics.store(word, 1, 2);
    Atomics.notify(word, 1);`;
  const bus = createBus(name, word);
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`), {
    workerData: { name, word },
  });
  await once(worker, 'message');
  const numbers: unknown[] = [];
  bus.subscribe('number', (data) => numbers.push(data));
  Atomics.store(word, 1, 1);
  Atomics.notify(word, 1);
  Atomics.wait(word, 1, 1);
  // No turn of the event loop until here.
  bus.catchUp();
  assert.deepEqual([numbers.length, numbers.at(-1)], [1_000, 1_000]);
  bus.close();
  await worker.terminate();
});
