// What the prediction of failures hears of real calls, and where a running instance says what it foresees.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Registry } from 'prom-client';
import { readinessOf } from '../src/console/status.ts';
import { createSignals } from '../src/platform/signals.ts';
import { noMetrics } from '../src/protect/gateway/metrics.ts';
import { watchPrediction } from '../src/protect/prediction/watch-prediction.ts';
import { answering, type Behaviour, json, startRig, startUpstream } from './gateway-rig.ts';
import { makePlace, startInstance } from './instance.ts';

const ends: (() => Promise<void>)[] = [];
after(async () => {
  for (const end of ends.reverse()) await end();
});

/** What is heard while these calls are made. */
async function heard(behaviour: Behaviour, stream: boolean): Promise<string[]> {
  const seen: string[] = [];
  const watch = watchPrediction(
    {
      ...{ now: Date.now, signals: createSignals(), metrics: noMetrics, registry: new Registry() },
      predictor: {
        answered: (provider, ms) => void seen.push(`${provider} answered ${ms >= 60 ? 'late' : 'soon'}`),
        attempted: (provider, outcome) => void seen.push(`${provider} ${outcome}`),
        sample() {},
        queried() {},
        close() {},
        predictions: () => [],
      },
    },
    { breakerFailures: 5, firstByteMs: 300, horizonMs: 600_000 },
  );
  const upstream = await startUpstream(behaviour);
  const rig = await startRig([{ name: 'main', dialect: 'openai', url: upstream.url }], { metrics: watch.metrics });
  await rig.chat('hello', { stream });
  await rig.close();
  await upstream.close();
  watch.close();
  return seen;
}

for (const stream of [false, true])
  test(`createConverse() lets it hear how long a provider took to begin an answer that is ${stream ? 'streamed' : 'whole'}`, async () => {
    const late: Behaviour = (...about) => void setTimeout(() => answering()(...about), 80);
    assert.deepEqual(await heard(late, stream), ['main done', 'main answered late']);
  });

test('createConverse() lets it hear each attempt, and no time that has that of a failed attempt in it', async () => {
  const once: Behaviour = (req, res, body, nth) => (nth === 1 ? json(res, 500, {}) : answering()(req, res, body, nth));
  assert.deepEqual(await heard(once, false), ['main server-error', 'main done']);
});

test('readinessOf() tells what is foreseen, and is no less ready for it', () => {
  const host = { state: 'ok' as const, cpuPressure: 0, memoryPressure: 0, eventLoopDelayMs: 0 };
  const ok = { state: 'ok' as const };
  const foreseen = [{ what: 'latency', target: 'main', since: 1, failsInMs: 5 }];
  const { status, predictions } = readinessOf({ journal: ok, store: ok, host, providers: {}, sinks: {} }, [], foreseen);
  assert.deepEqual([status, predictions], ['ready', foreseen]);
});

test('up foresees nothing at its start, and says so', async () => {
  const place = makePlace();
  ends.push(async () => place.remove());
  const app = await startInstance([], { cwd: place.dir });
  ends.push(async () => void (await app.stop()));
  const ready = (await (await fetch(`${app.consoleUrl}/readyz`)).json()) as { predictions?: unknown };
  assert.deepEqual(ready.predictions, []);
  const metrics = await (await fetch(`${app.consoleUrl}/metrics`)).text();
  assert.match(metrics, /^# TYPE rempart_failure_predicted_in_seconds gauge$/m);
  assert.doesNotMatch(metrics, /^rempart_failure_predicted_in_seconds\{/m);
});
