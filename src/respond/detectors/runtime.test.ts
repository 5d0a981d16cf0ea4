import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBaseline } from './baseline.ts';
import { defaultRuntime, type RuntimeSample, runtimeDetector } from './runtime.ts';
import { simulatedTimers } from './simulated-timers.ts';
import { testContext, until } from './test-context.ts';
import { realTimers } from './timers.ts';

const gib = 1_073_741_824;
const calm = { memory: () => ({ heapUsed: 1, heapLimit: 4 * gib, rss: 1 }), delayMs: () => 0 };

function rig(parts: Partial<Parameters<typeof runtimeDetector>[0]>) {
  const timers = simulatedTimers(Date.UTC(2026, 10, 22));
  const context = testContext(timers.now);
  runtimeDetector({ ...calm, ...parts, timers, steady: timers.now }).start(context);
  return { timers, context };
}

test('createBaseline() says nothing while it is cold, and learns little from what is out of the ordinary', () => {
  const baseline = createBaseline();
  for (let count = 0; count < 59; count++) {
    baseline.learn(100 + (count % 5));
    assert.equal(baseline.judge(1_000), undefined);
  }
  baseline.learn(100);
  assert.ok(baseline.judge(1_000)! > 50);
  assert.ok(Math.abs(baseline.judge(103)!) < 2);
  for (let count = 0; count < 10; count++) baseline.learn(10_000);
  assert.ok(baseline.middle() < 130, `${baseline.middle()}`);
});

test('runtimeDetector() tells of an event loop that stays late, and not of one that is late once', async () => {
  let delay = 0;
  const { timers, context } = rig({ delayMs: () => delay });
  await timers.pass(3_000);
  delay = 900;
  await timers.pass(2_000);
  delay = 0;
  await timers.pass(3_000);
  assert.equal(context.told.length, 0);
  delay = 900;
  await timers.pass(20_000);
  assert.deepEqual(
    context.told.map(({ type, facts }) => [type, facts['sign']]),
    [['performance-anomaly', 'event loop late']],
  );
});

test('runtimeDetector() tells of a real event loop that is held up', async (t) => {
  const context = testContext();
  const parts = { timers: realTimers, everyMs: 50, memory: calm.memory };
  const handle = runtimeDetector(parts, { ...defaultRuntime, loopDelayMs: 100, loopLooks: 3 }).start(context);
  t.after(() => handle.close());
  const block = setInterval(() => {
    const end = performance.now() + 250;
    while (performance.now() < end);
  }, 5);
  t.after(() => clearInterval(block));
  await until(() => context.told.length > 0, 'a detection');
  assert.equal(context.told[0]!.facts['sign'], 'event loop late');
});

test('runtimeDetector() tells of memory that will be used up soon, and not of a saw tooth', async () => {
  let used = gib;
  const memory = () => ({ heapUsed: used, heapLimit: 4 * gib, rss: used });
  const { timers, context } = rig({ memory });
  for (let count = 0; count < 1_200; count++) {
    used = 3.3 * gib + (count % 20) * 20_000_000;
    await timers.pass(1_000);
  }
  assert.equal(context.told.length, 0);
  for (let count = 0; count < 900 && context.told.length === 0; count++) {
    used += 1_000_000;
    await timers.pass(1_000);
  }
  assert.deepEqual(
    context.told.map(({ type }) => type),
    ['memory-exhaustion'],
  );
});

function traffic() {
  const sample: RuntimeSample = { requests: 0, errors: 0, latencyMs: 120, sources: 10, busiestShare: 0.3 };
  const parts = rig({ sample: () => ({ ...sample }) });
  const pass = async (seconds: number, perSecond: number, latencyMs = 120) => {
    for (let second = 0; second < seconds; second++) {
      sample.requests += perSecond;
      sample.latencyMs = latencyMs * (0.8 + ((second * 7) % 10) / 25);
      await parts.timers.pass(1_000);
    }
  };
  return { ...parts, sample, pass };
}

test('runtimeDetector() says nothing of load while its baseline is cold, nor of three times the usual', async () => {
  const { context, pass } = traffic();
  await pass(30, 200);
  await pass(300, 10);
  await pass(60, 30);
  assert.deepEqual(context.told, []);
});

for (const [sources, busiestShare, sign] of [
  [1, 1, 'one source'],
  [400, 0.01, 'many sources'],
] as const)
  test(`runtimeDetector() tells of a flood from ${sign} within seconds`, async () => {
    const { context, pass, sample, timers } = traffic();
    await pass(300, 10);
    const since = timers.now();
    Object.assign(sample, { sources, busiestShare });
    await pass(10, 400);
    assert.deepEqual(
      context.told.map(({ type, facts }) => [type, facts['sign'], facts['usualPerSecond']]),
      [['denial-of-service', sign, context.told[0]?.facts['usualPerSecond']]],
    );
    assert.ok(context.told[0]!.occurredAt - since <= 6_000);
  });

test('runtimeDetector() tells of latency that shifts and stays, and not of single slow answers', async () => {
  const { context, pass } = traffic();
  await pass(300, 5, 300);
  for (let count = 0; count < 10; count++) {
    await pass(2, 5, 4_000);
    await pass(20, 5, 300);
  }
  assert.equal(context.told.length, 0);
  await pass(40, 5, 4_000);
  assert.deepEqual(
    context.told.map(({ type, facts }) => [type, facts['sign']]),
    [['performance-anomaly', 'latency']],
  );
});
