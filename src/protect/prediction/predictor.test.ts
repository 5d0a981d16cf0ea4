// What is told and when: failures that come slowly before they are there, sudden ones not, calm never.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registry } from 'prom-client';
import { createSignals, type Signal } from '../../platform/signals.ts';
import { noMetrics } from '../gateway/metrics.ts';
import { createMeasure } from './forecast.ts';
import { heapShare, hostShare } from './memory-share.ts';
import { predictionSchema } from './prediction-config.ts';
import { createPredictor, spanMs } from './predictor.ts';
import { createTrend, reaches } from './trend.ts';
import { createUsual } from './usual.ts';
import { watchPrediction } from './watch-prediction.ts';

const settings = { breakerFailures: 5, firstByteMs: 10_000, horizonMs: 600_000 };
const minute = 60_000 / spanMs;

/** Numbers that look like chance and are the same each time. */
function createNoise() {
  let state = 12_345;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648 - 0.5;
  };
}

function rig() {
  let at = 1_000_000;
  const told: (Signal & { span: number })[] = [];
  let span = 0;
  const predictor = createPredictor(
    { now: () => at, signals: { emit: (signal) => void told.push({ ...signal, span }) } },
    settings,
  );
  return {
    predictor,
    told,
    /** So many spans; `each` says what happens in one of them. */
    run(spans: number, each: (nth: number) => void) {
      for (let nth = 0; nth < spans; nth++) {
        each(nth);
        at += spanMs;
        predictor.close();
        span++;
      }
    },
    span: () => span,
  };
}

/** Ten answers of about so many milliseconds. */
function answers(predictor: ReturnType<typeof rig>['predictor'], ms: number, noise: () => number): void {
  for (let n = 0; n < 10; n++) {
    predictor.attempted('p', 'done');
    predictor.answered('p', ms * Math.exp(noise()));
  }
}

test('createPredictor() tells of answers that grow slow before they are too slow, once, and by how much', () => {
  const { predictor, told, run, span } = rig();
  const noise = createNoise();
  run(20 * minute, () => answers(predictor, 800, noise));
  assert.equal(told.length, 0);
  assert.deepEqual(predictor.predictions(), []);
  const from = span();
  // 800 ms to 8,000 in ten minutes.
  run(8 * minute, (nth) => answers(predictor, 800 + (7_200 * nth) / (10 * minute), noise));
  assert.equal(told.length, 1);
  const [first] = told;
  assert.ok(first !== undefined);
  const { kind, severity, facts } = first;
  assert.deepEqual([kind, severity, facts['what'], facts['target']], ['failure-predicted', 'medium', 'latency', 'p']);
  assert.ok(first.span - from < 6 * minute, `${(first.span - from) / minute} minutes`);
  assert.ok(Number(facts['leadSeconds']) > 30 && Number(facts['leadSeconds']) <= 600, String(facts['leadSeconds']));
  assert.equal(predictor.predictions()[0]?.what, 'latency');
  // Healed: taken back, and not told of again at once.
  run(10 * minute, () => answers(predictor, 800, noise));
  assert.deepEqual(predictor.predictions(), []);
  assert.equal(told.length, 1);
});

test('createPredictor() tells of errors that become more before they are five in a row', () => {
  const { predictor, told, run } = rig();
  const noise = createNoise();
  let row = 0;
  let openedAt: number | undefined;
  run(10 * minute, () => answers(predictor, 500, noise));
  run(12 * minute, (nth) => {
    const share = nth / (12 * minute);
    for (let n = 0; n < 10; n++) {
      const failed = noise() + 0.5 < share;
      predictor.attempted('p', failed ? 'server-error' : 'done');
      row = failed ? row + 1 : 0;
      if (row === 5) openedAt ??= nth + 10 * minute;
    }
  });
  const first = told.find(({ facts }) => facts['what'] === 'errors');
  assert.ok(openedAt !== undefined && first !== undefined && first.span < openedAt, `${first?.span} of ${openedAt}`);
});

for (const [outcome, isTold] of [
  ['rate-limited', false],
  ['quota-exhausted', false],
  ['key-refused', false],
  ['invalid-request', false],
  ['aborted', false],
  ['timeout', true],
  ['overloaded', true],
] as const)
  test(`createPredictor() takes ever more ${outcome} for ${isTold ? 'a failure that comes' : 'no failure of the provider'}`, () => {
    const { predictor, told, run } = rig();
    const noise = createNoise();
    run(10 * minute, () => answers(predictor, 500, noise));
    run(8 * minute, (nth) => {
      for (let n = 0; n < 10; n++) predictor.attempted('p', noise() + 0.5 < nth / (8 * minute) ? outcome : 'done');
    });
    assert.equal(told.length > 0, isTold);
  });

test('createPredictor() judges of memory what a collection leaves, and of the queue its fullest moment', () => {
  const { predictor, told, run } = rig();
  run(20 * minute, () => predictor.sample({ heap: 0.5, queue: 0 }));
  run(60 * minute, (nth) => {
    for (const heap of [0.5, 0.6 + (0.39 * nth) / (60 * minute)]) predictor.sample({ heap });
  });
  assert.equal(told.length, 0, 'the peaks grow, what is left does not');
  run(5 * minute, (nth) => {
    for (const queue of [nth / (5 * minute), 0]) predictor.sample({ queue });
  });
  assert.deepEqual(
    told.map(({ facts }) => facts['what']),
    ['queue'],
  );
});

/** As shares of a limit: how many values of a course were foreseen to end there. */
function foreseen(course: (nth: number) => number): number {
  const settings = { leastSpread: 0.02, leastShare: 0.25, horizonMs: 600_000, length: 36, warmAfter: 60 };
  const measure = createMeasure({ limit: 1, byRatio: false, ...settings });
  const noise = createNoise();
  let count = 0;
  for (let nth = 0; nth < 400; nth++)
    if (measure.add(nth * spanMs, course(nth) + 0.02 * noise()).kind === 'failing') count++;
  return count;
}

test('createMeasure() foresees a rise, and nothing of a step or of what swings as it always did', () => {
  const rising = foreseen((nth) => (nth < 200 ? 0.1 : 0.1 + 0.01 * (nth - 200)));
  assert.ok(rising > 40, `${rising} values`);
  for (const to of [0.3, 0.4, 0.5, 0.6])
    assert.equal(
      foreseen((nth) => (nth < 200 ? 0.1 : to)),
      0,
      `a step to ${to}`,
    );
  assert.equal(
    foreseen((nth) => 0.45 + 0.15 * Math.sin((2 * Math.PI * nth) / 48)),
    0,
  );
  assert.equal(
    foreseen((nth) => (nth < 200 ? 0.1 : Math.max(0.1, 0.6 - 0.01 * (nth - 200)))),
    0,
    'it falls again',
  );
});

for (const [what, sample, spans] of [
  ['queue', (share: number) => ({ queue: share }), 5 * minute],
  ['memory', (share: number) => ({ heap: 0.4 + share / 2 }), 60 * minute],
] as const)
  test(`createPredictor() tells of ${what} that fills before it is full`, () => {
    const { predictor, told, run, span } = rig();
    const noise = createNoise();
    run(20 * minute, () => predictor.sample(sample(0.05 * (noise() + 0.5))));
    assert.equal(told.length, 0);
    run(spans, (nth) => predictor.sample(sample((1.1 * nth) / spans + 0.02 * noise())));
    const [first] = told;
    assert.deepEqual([told.length, first?.facts['what']], [1, what]);
    assert.ok(span() - (first?.span ?? 0) > spans / 4, 'there is time to do something');
  });

test('createPredictor() tells of a database that grows slow', () => {
  const { predictor, told, run } = rig();
  const noise = createNoise();
  run(10 * minute, () => predictor.queried(1 + noise()));
  run(5 * minute, (nth) => predictor.queried(1 + (900 * nth) / (5 * minute) + noise()));
  assert.deepEqual(
    told.map(({ facts }) => facts['what']),
    ['database'],
  );
});

test('createPredictor() tells nothing of steps that stay, of what is over soon, and of what it has just begun to know', () => {
  const { predictor, told, run } = rig();
  const noise = createNoise();
  run(4 * minute, (nth) => answers(predictor, 800 + 300 * nth, noise));
  assert.deepEqual(told, [], 'four minutes are no usual');
  const calm = rig();
  calm.run(15 * minute, () => answers(calm.predictor, 800, noise));
  // Twice as slow from now on, as after a release.
  calm.run(40 * minute, () => answers(calm.predictor, 1_600, noise));
  calm.run(10 * minute, (nth) => {
    answers(calm.predictor, 1_600, noise);
    calm.predictor.sample({ queue: nth % 40 < 4 ? 0.5 : 0 });
    if (nth % 50 < 2) for (let n = 0; n < 6; n++) calm.predictor.attempted('p', 'server-error');
  });
  assert.deepEqual(calm.told, []);
});

test('createTrend() draws the line through its latest values and says how sure it is', () => {
  const trend = createTrend(10);
  for (let n = 0; n < 30; n++) trend.add(n * 1_000, 100 + 2 * n);
  const line = trend.line();
  assert.ok(line !== undefined && Math.abs(line.slope - 0.002) < 1e-9 && line.sureness > 100);
  assert.equal(Math.round(reaches(line, 258)), 50_000);
  assert.equal(reaches({ level: 1, slope: -1, sureness: 9 }, 2), Number.POSITIVE_INFINITY);
  assert.equal(createTrend(10).line(), undefined);
});

test('createUsual() learns from calm how much evidence means nothing', () => {
  const usual = createUsual({ leastSpread: 1, warmAfter: 10, halfLife: 100 });
  for (let n = 0; n < 20; n++) usual.add(0);
  const jump = () => {
    for (let n = 0; n < 3; n++) usual.add(100);
    const left = usual.hasLeft();
    for (let n = 0; n < 30; n++) usual.add(0);
    return left;
  };
  assert.deepEqual([jump(), jump(), jump()], [true, false, false], 'what came to nothing raises the threshold');
  for (let n = 0; n < 20; n++) usual.add(100);
  assert.equal(usual.hasLeft(), true, 'and it is not deaf');
});

test('watchPrediction() learns from what the gateway counts, and tells by metrics', async () => {
  const registry = new Registry();
  const signals = createSignals();
  const counted: string[] = [];
  const heard: string[] = [];
  const metrics = {
    ...noMetrics,
    attempt: (provider: string, outcome: string) => void counted.push(provider + outcome),
  };
  const watch = watchPrediction(
    {
      ...{ now: Date.now, signals, metrics, registry },
      predictor: {
        answered: (provider, ms) => void heard.push(`${provider} ${ms}`),
        attempted: (provider, outcome) => void heard.push(`${provider} ${outcome}`),
        sample() {},
        queried() {},
        close() {},
        predictions: () => [{ what: 'latency', target: 'p', since: 1, failsInMs: 90_000 }],
      },
    },
    settings,
  );
  watch.metrics.attempt('p', 'done');
  watch.metrics.answered('p', 1.5);
  assert.deepEqual([counted, heard], [['pdone'], ['p done', 'p 1500']]);
  signals.emit({ kind: 'failure-predicted', time: 1, severity: 'medium', facts: { what: 'latency', target: 'p' } });
  const text = await registry.metrics();
  assert.match(text, /^rempart_failure_predicted_in_seconds\{what="latency",target="p"\} 90$/m);
  assert.match(text, /^rempart_failure_predictions_total\{what="latency"\} 1$/m);
  watch.close();
});

test('hostShare() and heapShare() are shares of what there is', () => {
  assert.ok(heapShare() > 0 && heapShare() < 1);
  const host = hostShare();
  assert.ok(host === undefined || (host > 0 && host < 1.1), String(host));
});

test('predictionSchema is on by default, ten minutes ahead', () =>
  assert.deepEqual(predictionSchema.parse({}), { on: true, horizonMinutes: 10 }));
