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
