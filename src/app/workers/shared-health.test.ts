// The health of a provider on several threads: here two of them in one process, each with a bus of its own on one channel.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { openCounters } from '../../platform/shared/counters.ts';
import { createSharedMemory } from '../../platform/shared/memory.ts';
import { createSignals, type Signal } from '../../platform/signals.ts';
import type { Failure } from '../../protect/resilience/failure.ts';
import { createForesights } from '../../protect/resilience/foresight.ts';
import { createKeptHealth } from '../../protect/resilience/kept-health.ts';
import { createProviderHealth } from '../../protect/resilience/provider-health.ts';
import { createCrewMemory, joinCrew } from './crew.ts';
import { shareForesights } from './shared-foresights.ts';
import { shareHealth } from './shared-health.ts';

const ends: (() => void)[] = [];
after(() => {
  for (const end of ends) end();
});

function makeThreads(keys = 1) {
  const memory = createSharedMemory();
  const crew = createCrewMemory(1);
  const clock = { now: 1_800_000_000_000 };
  const threads = [0, 1].map((thread) => {
    const { bus, past } = joinCrew(crew, thread);
    const signals = createSignals();
    const emitted: Signal[] = [];
    signals.subscribe((signal) => emitted.push(signal));
    const now = () => clock.now;
    const settings = { name: 'up', keys, breaker: { failures: 3, halfOpenMs: 2_000 } };
    const shared = { bus, past: past.health, counters: openCounters(memory), now, probes: thread === 0 };
    const health = shareHealth(createKeptHealth(), shared).open(settings, () =>
      createProviderHealth({ now, signals }, settings),
    );
    const foresights = shareForesights(createForesights({ now, signals }), { bus, past: past.limits, now });
    ends.push(() => {
      health.close();
      foresights.close();
      bus.close();
    });
    return { health, bus, emitted, foresights, past };
  });
  return { main: threads[0]!, worker: threads[1]!, clock };
}

const down: Failure = { kind: 'server-error', heals: true };

test('shareHealth() opens the breaker on every thread after failures that came to several', () => {
  const { main, worker, clock } = makeThreads();
  worker.health.failed(0, down);
  assert.equal(main.health.pick().kind, 'key');
  main.health.failed(0, down);
  assert.equal(worker.health.pick().kind, 'key');
  worker.health.failed(0, down);
  assert.deepEqual([main.health.pick().kind, worker.health.pick().kind], ['wait', 'wait']);
  clock.now += 2_001;
  assert.deepEqual(worker.health.pick(), { kind: 'key', index: 0 });
  assert.equal(main.health.pick().kind, 'wait', 'one trial at a time, whichever thread it comes from');
  worker.health.succeeded(0, clock.now);
  assert.deepEqual([main.health.pick().kind, worker.health.pick().kind], ['key', 'key']);
});

test('shareHealth() gives the trial to another thread when its first one told nothing', () => {
  const { main, worker, clock } = makeThreads();
  for (let nth = 0; nth < 3; nth++) worker.health.failed(0, down);
  main.bus.catchUp();
  clock.now += 2_001;
  assert.equal(worker.health.pick().kind, 'key');
  assert.equal(main.health.pick().kind, 'wait');
  worker.health.abandoned(0);
  assert.equal(main.health.pick().kind, 'key');
});

test('shareHealth() passes a refused key over on every thread at once; one thread probes, and tells what it found', () => {
  const { main, worker, clock } = makeThreads(2);
  worker.health.failed(0, { kind: 'key-refused', heals: false });
  assert.deepEqual(
    [main.health.pick(), worker.health.pick()],
    [
      { kind: 'key', index: 1 },
      { kind: 'key', index: 1 },
    ],
  );
  assert.deepEqual(
    main.emitted.map(({ kind }) => kind),
    ['provider-key-compromised'],
  );
  clock.now += 3_600_000;
  assert.deepEqual([main.health.due(), worker.health.due()], [0, undefined]);
  main.health.probed(0, clock.now, undefined);
  assert.deepEqual(worker.health.pick(), { kind: 'key', index: 0 });
});

test('shareHealth() lets one request for all threads try a provider that asked to wait', () => {
  const { main, worker, clock } = makeThreads();
  worker.health.failed(0, { kind: 'rate-limited', heals: true, retryAfterMs: 1_000 });
  assert.deepEqual([main.health.pick().kind, worker.health.pick().kind], ['wait', 'wait']);
  clock.now += 1_001;
  assert.deepEqual([worker.health.pick().kind, main.health.pick().kind], ['key', 'wait']);
  worker.health.succeeded(0, clock.now);
  assert.equal(main.health.pick().kind, 'key');
});

test('shareHealth() asks a provider without quota once for all threads, after pauses that double on each of them', () => {
  const { main, worker, clock } = makeThreads();
  const pauses: number[] = [];
  worker.health.proved(0);
  main.health.proved(0);
  let last = clock.now;
  for (const until = clock.now + 120_000; clock.now < until; clock.now += 100)
    for (const [nth, { health }] of [main, worker].entries()) {
      // Each thread hears of it late.
      if (nth === 1) clock.now += 7;
      if (health.pick().kind !== 'key') continue;
      pauses.push(clock.now - last);
      last = clock.now;
      health.failed(0, { kind: 'quota-exhausted', heals: false });
    }
  const [, ...between] = pauses;
  assert.deepEqual(
    between.map((ms) => Math.round(ms / 1_000)),
    [2, 4, 8, 16, 32],
  );
  clock.now += 64_000;
  assert.equal(main.health.pick().kind, 'key');
  main.health.succeeded(0, clock.now);
  assert.equal(worker.health.pick().kind, 'key');
});

test('shareHealth() lets two requests of all threads find out whether a key is taken, and tells once that it is', async () => {
  const { main, worker, clock } = makeThreads();
  assert.deepEqual([worker.health.pick().kind, main.health.pick().kind], ['key', 'key']);
  const later = [worker.health.pick(), main.health.pick()];
  assert.deepEqual(
    later.map(({ kind }) => kind),
    ['later', 'later'],
  );
  worker.health.abandoned(0);
  assert.equal(main.health.pick().kind, 'key', 'in the place of one that ended');
  main.health.heard(clock.now, 0);
  for (let nth = 0; nth < 5; nth++) assert.equal(worker.health.pick().kind, 'key');
  for (const one of later) if (one.kind === 'later') await one.turn;
});

test('shareHealth() says nothing to the others while all is well', () => {
  const { main, worker, clock } = makeThreads();
  worker.health.pick();
  worker.health.succeeded(0, clock.now);
  let heard = 0;
  const publish = worker.bus.publish;
  worker.bus.publish = (...given) => {
    heard++;
    publish(...given);
  };
  for (let nth = 0; nth < 100; nth++) {
    worker.health.pick();
    worker.health.succeeded(0, clock.now);
  }
  worker.health.failed(0, { kind: 'invalid-request', heals: false });
  assert.equal(heard, 0);
  assert.equal(main.health.pick().kind, 'key');
});

test('shareHealth() and shareForesights() begin with what is known of providers already, on a thread that comes later', () => {
  const { main, worker } = makeThreads(2);
  worker.health.failed(0, { kind: 'key-refused', heals: false });
  worker.foresights.of('account').learn({
    'x-ratelimit-limit-requests': '100',
    'x-ratelimit-remaining-requests': '5',
    'x-ratelimit-reset-requests': '60s',
  });
  main.bus.catchUp();
  const now = () => 1_800_000_000_000;
  const signals = createSignals();
  const settings = { name: 'up', keys: 2, breaker: { failures: 3, halfOpenMs: 2_000 } };
  const parts = { bus: main.bus, counters: openCounters(createSharedMemory()), now, probes: false };
  const late = shareHealth(createKeptHealth(), { ...parts, past: structuredClone(main.past.health) }).open(
    settings,
    () => createProviderHealth({ now, signals }, settings),
  );
  assert.deepEqual(late.pick(), { kind: 'key', index: 1 });
  const limits = shareForesights(createForesights({ now, signals }), { ...parts, past: main.past.limits });
  assert.equal(limits.of('account').stage(), 'rationed');
  late.close();
  limits.close();
});

test('shareForesights() tells every thread what the answers on one say of a limit', () => {
  const { main, worker } = makeThreads();
  const headers = { 'x-ratelimit-limit-requests': '100', 'x-ratelimit-reset-requests': '60s' };
  worker.foresights.of('account').learn({ ...headers, 'x-ratelimit-remaining-requests': '60' });
  worker.foresights.of('account').learn({ ...headers, 'x-ratelimit-remaining-requests': '5' });
  assert.equal(worker.foresights.of('account').stage(), 'rationed');
  main.bus.catchUp();
  assert.equal(main.foresights.of('account').stage(), 'rationed');
  assert.ok(main.foresights.of('account').wait(2) > 0);
});
