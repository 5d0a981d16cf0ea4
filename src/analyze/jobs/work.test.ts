// A node at work on a real queue; what an analysis takes is played.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { RempartError } from '../../platform/base/errors.ts';
import { openStore, type Store } from '../../platform/store/store.ts';
import { createJobQueue, type JobQueue } from './job-queue.ts';
import { order, statistics } from './queue.conformance.ts';
import type { RunJob } from './run-job.ts';
import { type JobEvent, type WorkOptions, work } from './work.ts';

const root = mkdtempSync(join(tmpdir(), 'rempart-work-'));
let store: Store;
let queue: JobQueue;
before(async () => {
  store = await openStore({ path: join(root, 'store.sqlite') });
  queue = createJobQueue(store);
});
beforeEach(async () => {
  await store.db.deleteFrom('analysis_jobs').execute();
});
after(async () => {
  await store.close();
  rmSync(root, { recursive: true, force: true });
});

function node(changes: Partial<WorkOptions>): { events: JobEvent['kind'][]; ended: Promise<void> } {
  const events: JobEvent['kind'][] = [];
  const ended = work({
    use: (step) => step(queue),
    node: 'n',
    out: root,
    version: '1',
    leaseMs: 3_000,
    once: true,
    signal: new AbortController().signal,
    onEvent: ({ kind }) => events.push(kind),
    pollMs: 20,
    retryMs: 20,
    ...changes,
  });
  return { events, ended };
}

/** However busy the machine is. */
async function until(happened: () => boolean): Promise<void> {
  for (const end = Date.now() + 120_000; !happened(); await pause(5)) assert.ok(Date.now() < end, 'it did not happen');
}

const untilEnded = ({ signal }: RunJob): Promise<null> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(null)));

test('work() tries three times, keeps the code, and goes on with the next job', async () => {
  const { id } = (await queue.add(order('/a.json'))).job;
  await queue.add(order('/b.json'));
  const { events, ended } = node({
    run: async ({ job }) => {
      if (job.path === '/b.json') return statistics;
      throw new RempartError('ERR_EXPORT_MISSING', { path: job.path });
    },
  });
  await ended;
  assert.deepEqual(events.filter((kind) => kind !== 'taken').sort(), ['done', 'failed', 'failed', 'failed']);
  const job = await queue.find(id);
  assert.deepEqual([job?.state, job?.code, job?.attempts], ['failed', 'ERR_EXPORT_MISSING', 3]);
});

test('work() keeps its lease for as long as the work takes', async () => {
  await queue.add(order('/a.json'));
  const { events, ended } = node({
    run: async () => {
      await pause(4_000);
      assert.equal(await queue.claim('other', 3_000), null);
      return statistics;
    },
  });
  await ended;
  assert.deepEqual(events, ['taken', 'done']);
});

test('work() ends what is cancelled meanwhile, and what was taken over while the queue could not be asked', async () => {
  const { id } = (await queue.add(order('/a.json'))).job;
  const cancelled = node({ run: untilEnded });
  await until(() => cancelled.events.includes('taken'));
  await queue.cancel(id);
  await cancelled.ended;
  assert.deepEqual(cancelled.events, ['taken', 'lost']);

  await queue.add(order('/b.json'));
  let away = false;
  const stop = new AbortController();
  const cut = node({
    run: untilEnded,
    once: false,
    signal: stop.signal,
    leaseMs: 600,
    use: async (step) => {
      if (away) throw new RempartError('ERR_STORE_AWAY', { seconds: 2 });
      return step(queue);
    },
  });
  await until(() => cut.events.includes('taken'));
  away = true;
  await until(() => cut.events.includes('store-away'));
  while (!(await queue.claim('other', 60_000))) await pause(20);
  stop.abort();
  await cut.ended;
  assert.deepEqual(cut.events.slice(0, 3), ['taken', 'lost', 'store-away']);
});

test('work() gives its job back when it is told to stop', async () => {
  const { id } = (await queue.add(order('/a.json'))).job;
  const stop = new AbortController();
  const { events, ended } = node({ run: untilEnded, signal: stop.signal });
  await until(() => events.includes('taken'));
  stop.abort();
  await ended;
  assert.deepEqual(events, ['taken', 'given-back']);
  const job = await queue.find(id);
  assert.deepEqual([job?.state, job?.attempts], ['waiting', 0]);
});

test('work() says a store that is away from the start, and waits for one that goes away later', async () => {
  const gone = new RempartError('ERR_STORE_AWAY', { seconds: 2 });
  await assert.rejects(node({ once: false, use: () => Promise.reject(gone) }).ended, { code: 'ERR_STORE_AWAY' });
  let asked = 0;
  const stop = new AbortController();
  const { events, ended } = node({
    once: false,
    signal: stop.signal,
    use: (step) => (++asked === 2 ? Promise.reject(gone) : step(queue)),
  });
  await until(() => asked > 3);
  stop.abort();
  await ended;
  assert.deepEqual(events, ['store-away']);
});
