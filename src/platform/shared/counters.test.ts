// Counters under every order of events, in one thread by properties and in several by force.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { type Counters, openCounters, type Span } from './counters.ts';
import { createSharedMemory } from './memory.ts';

const now = 1_800_000_000_000;
const day: Span = { ordinal: 20_833, to: now + 86_400_000 };

type Step =
  | { kind: 'take'; who: number; key: number; amount: number }
  | { kind: 'give'; which: number }
  | { kind: 'pass'; ms: number };
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('take' as const),
      who: fc.nat(3),
      key: fc.nat(2),
      amount: fc.integer({ min: 1, max: 4 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('give' as const), which: fc.nat(20) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 30_000 }) }) },
);

/** What was let through and not taken back, for the check against each stretch of time. */
interface Grant {
  key: number;
  time: number;
  amount: number;
  at: number;
}

test('take() lets through no more than the limit in any stretch of the window, for every order of takes, refunds and pauses', () => {
  const windowMs = 60_000;
  const limit = 7;
  fc.assert(
    fc.property(fc.array(step, { minLength: 20, maxLength: 150 }), (steps) => {
      const memory = createSharedMemory({ known: 16, anyone: 2, set: 2 });
      const threads = Array.from({ length: 4 }, () => openCounters(memory));
      const grants: Grant[] = [];
      let time = now;
      for (const given of steps) {
        if (given.kind === 'pass') time += given.ms;
        else if (given.kind === 'give') {
          const index = given.which % Math.max(1, grants.length);
          const [grant] = grants.splice(index, 1);
          if (grant !== undefined) threads[0]?.give(`key ${grant.key}`, { windowMs }, grant.amount, grant.at);
        } else {
          const taken = (threads[given.who] as Counters).take(
            `key ${given.key}`,
            { windowMs },
            limit,
            given.amount,
            time,
          );
          assert.ok(taken.used <= limit && taken.used >= 0);
          if (!taken.ok) {
            assert.ok(taken.resetAt > time, 'a refusal says a time to come');
            continue;
          }
          grants.push({ key: given.key, time, amount: given.amount, at: taken.at });
          const lately = grants.filter(({ key, time: then }) => key === given.key && then > time - windowMs);
          const sum = lately.reduce((total, { amount }) => total + amount, 0);
          assert.ok(sum <= limit, `${sum} in one window`);
        }
      }
    }),
    { numRuns: 400 },
  );
});

test('take() fits again at the time that a refusal names', () => {
  const counters = openCounters(createSharedMemory());
  const span: Span = { windowMs: 60_000 };
  for (const at of [0, 20_000, 40_000]) assert.ok(counters.take('k', span, 3, 1, now + at).ok);
  const refused = counters.take('k', span, 3, 2, now + 45_000);
  assert.equal(refused.ok, false);
  assert.equal(counters.take('k', span, 3, 2, refused.resetAt - 1).ok, false);
  assert.equal(counters.take('k', span, 3, 2, refused.resetAt).ok, true);
});

test('take() begins a calendar window at nought, and a thread whose clock is late counts in the one that has begun', () => {
  const counters = openCounters(createSharedMemory());
  assert.ok(counters.take('k', day, 2, 2, now).ok);
  assert.equal(counters.take('k', day, 2, 1, now).ok, false);
  const next = { ordinal: 20_834, to: now + 2 * 86_400_000 };
  assert.ok(counters.take('k', next, 2, 2, now + 86_400_000).ok);
  assert.equal(counters.take('k', day, 2, 1, now + 86_399_999).ok, false);
  assert.equal(counters.used('k', next, now + 86_400_000), 2);
});

test('give() takes back no more than was counted, and nothing from a later window', () => {
  const counters = openCounters(createSharedMemory());
  counters.take('k', day, 10, 3, now);
  counters.give('k', day, 8, now);
  assert.equal(counters.used('k', day, now), 0);
  const next = { ordinal: 20_834, to: now + 2 * 86_400_000 };
  counters.take('k', next, 10, 4, now + 86_400_000);
  counters.give('k', day, 4, now);
  assert.equal(counters.used('k', next, now + 86_400_000), 4);
});

test('take() refuses a new key when the table is full, keeps the others, and makes room once their time is over', () => {
  const counters = openCounters(createSharedMemory({ known: 4, anyone: 2, set: 2 }));
  const span: Span = { windowMs: 60_000 };
  for (let key = 0; key < 4; key++) assert.ok(counters.take(`k${key}`, span, 5, 1, now).ok);
  const refused = counters.take('k4', span, 5, 1, now);
  assert.deepEqual([refused.ok, refused.full], [false, true]);
  assert.equal(counters.take('k0', span, 5, 1, now).used, 2);
  const hourLater = now + 3_600_000;
  assert.deepEqual(
    [counters.take('k4', span, 5, 1, hourLater).used, counters.take('k0', span, 5, 1, hourLater).used],
    [1, 1],
  );
});

test('openCounters() keeps what strangers can make up apart from callers', () => {
  const memory = createSharedMemory({ known: 4, anyone: 2, set: 2 });
  const [known, anyone] = [openCounters(memory, 'known'), openCounters(memory, 'anyone')];
  const span: Span = { windowMs: 60_000 };
  for (let source = 0; source < 9; source++) anyone.take(`s${source}`, span, 5, 1, now);
  assert.equal(known.take('s0', span, 5, 1, now).used, 1);
});

for (const [name, span, limit] of [
  ['a calendar window', day, 500],
  ['a rolling window', { windowMs: 3_600_000 }, 500],
  ['parts of a rolling window that change under them', { windowMs: 2_000 }, 1_000_000],
] as const)
  test(`take() in four threads at once over ${name} counts exactly what they hold, and never more than the limit`, async () => {
    const memory = createSharedMemory({ known: 64, anyone: 2, set: 2 });
    const keys = 20;
    const rounds = 20_000;
    const workers = [1, 2, 3, 4].map(
      (seed) =>
        new Worker(new URL('hammer-thread.ts', import.meta.url), {
          workerData: { memory, keys, rounds, limit, span, seed },
        }),
    );
    const held = await Promise.all(
      workers.map(
        (worker) => new Promise<number[]>((resolve, reject) => worker.once('message', resolve).once('error', reject)),
      ),
    );
    await Promise.all(workers.map((worker) => worker.terminate()));
    const counters = openCounters(memory);
    for (let key = 0; key < keys; key++) {
      const sum = held.reduce((total, one) => total + (one[key] ?? 0), 0);
      assert.equal(counters.used(`key ${key}`, span, now + rounds / 100), sum, `key ${key}`);
      assert.ok(sum <= limit && sum > 0, `${sum} held of ${limit}`);
    }
  });

test('take() goes on for the others when a thread is ended in the middle of its work', async () => {
  const memory = createSharedMemory({ known: 64, anyone: 2, set: 2 });
  const counters = openCounters(memory);
  for (let round = 0; round < 6; round++) {
    const workers = [1, 2, 3, 4].map(
      (seed) =>
        new Worker(new URL('hammer-thread.ts', import.meta.url), {
          workerData: { memory, keys: 30, rounds: 1e9, limit: 1e9, span: { windowMs: 50 }, seed },
        }),
    );
    await new Promise((resolve) => setTimeout(resolve, 150));
    await Promise.all(workers.map((worker) => worker.terminate()));
    for (let key = 0; key < 30; key++)
      assert.ok(counters.take(`key ${key}`, { windowMs: 3_600_000 }, 1e9, 1, now + 1e9 + round).ok);
  }
});
