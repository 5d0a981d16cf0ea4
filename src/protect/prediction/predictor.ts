// Tells of failures before they happen: one forecast for each thing that is measured, one signal for each that begins to fail.
import type { Signals } from '../../platform/signals.ts';
import { createMeasure, type Forecast, type MeasureSettings } from './forecast.ts';
import { createErrorSeries, createLatencySeries, type ErrorSeries, type LatencySeries } from './provider-series.ts';

/** What can be foreseen to fail. */
export type Foreseen = 'latency' | 'errors' | 'queue' | 'database' | 'memory';

export interface Prediction {
  what: Foreseen;
  /** The provider, `queue`, `database`, `host`, `heap`. */
  target: string;
  /** Milliseconds since the epoch. */
  since: number;
  /** Milliseconds from now on, if it goes on like this. */
  failsInMs: number;
}

export interface PredictorSettings {
  /** Failures in a row that open a provider's breaker. */
  breakerFailures: number;
  /** An answer that has not begun by then has failed. */
  firstByteMs: number;
  /** Failures further away than this are not told of. */
  horizonMs: number;
}

export interface Predictor {
  /** From sending a call to the first word of its answer. */
  answered(provider: string, ms: number): void;
  /** What came of an attempt: `done`, `aborted`, or the kind of its failure. */
  attempted(provider: string, outcome: string): void;
  /** As shares of what is too much. */
  sample(values: Partial<Record<'queue' | 'host' | 'heap', number>>): void;
  /** How long the database took for a small question. */
  queried(ms: number): void;
  /** The end of a span of measuring: everything is judged. */
  close(): void;
  predictions(): readonly Prediction[];
}

/** Everything is judged so often. */
export const spanMs = 5_000;
/** Memory is judged over longer spans: what matters there takes its time. */
const memorySpans = 6;
/** The same thing is signalled again after this at the earliest. */
const quietMs = 600_000;
/** Kinds of failure that open a breaker; others are about the request, the key or the quota. */
const opening: ReadonlySet<string> = new Set([
  'server-error',
  'overloaded',
  'timeout',
  'unreachable',
  'cut',
  'malformed',
]);

export function createPredictor(
  { now, signals }: { now: () => number; signals: Pick<Signals, 'emit'> },
  { breakerFailures, firstByteMs, horizonMs }: PredictorSettings,
): Predictor {
  const providers = new Map<string, { latency: LatencySeries; errors: ErrorSeries }>();
  const measures = { queue: queueOf(horizonMs), database: databaseOf(horizonMs), host: memoryOf(), heap: memoryOf() };
  const highest = new Map<'queue' | 'host' | 'heap', number>();
  const asked: number[] = [];
  const told = new Map<string, { since: number; signalledAt: number; prediction: Prediction | undefined }>();
  let spans = 0;

  function seriesOf(provider: string) {
    const known = providers.get(provider);
    if (known !== undefined) return known;
    const made = {
      latency: createLatencySeries(firstByteMs, horizonMs),
      errors: createErrorSeries({ run: breakerFailures, spanMs, horizonMs }),
    };
    providers.set(provider, made);
    return made;
  }

  function tell(what: Foreseen, target: string, forecast: Forecast): void {
    const key = `${what} ${target}`;
    const before = told.get(key);
    if (forecast.kind !== 'failing') {
      if (before !== undefined) before.prediction = undefined;
      return;
    }
    const at = now();
    const since = before?.prediction?.since ?? at;
    const failsInMs = Math.round(forecast.inMs);
    const isNews =
      before?.prediction === undefined && at - (before?.signalledAt ?? Number.NEGATIVE_INFINITY) >= quietMs;
    const signalledAt = isNews ? at : (before?.signalledAt ?? at);
    told.set(key, { since, signalledAt, prediction: { what, target, since, failsInMs } });
    if (!isNews) return;
    const facts = { what, target, leadSeconds: Math.round(failsInMs / 1_000) };
    signals.emit({ kind: 'failure-predicted', time: at, severity: 'medium', facts });
  }

  /** The highest of a span, so that no moment of it is overlooked; of memory the lowest, which is what a collection left. */
  function judgeGauges(at: number): void {
    const queue = highest.get('queue');
    if (queue !== undefined) tell('queue', 'queue', measures.queue.add(at, queue));
    highest.delete('queue');
    if (asked.length > 0) {
      const middle = asked.toSorted((a, b) => a - b)[Math.floor(asked.length / 2)] ?? 0;
      tell('database', 'database', measures.database.add(at, Math.max(0.05, middle)));
      asked.length = 0;
    }
    if (spans % memorySpans !== 0) return;
    for (const name of ['host', 'heap'] as const) {
      const share = highest.get(name);
      if (share !== undefined) tell('memory', name, measures[name].add(at, share));
      highest.delete(name);
    }
  }

  return {
    answered: (provider, ms) => seriesOf(provider).latency.add(ms),
    attempted(provider, outcome) {
      if (outcome !== 'aborted') seriesOf(provider).errors.add(opening.has(outcome));
    },
    sample(values) {
      for (const name of ['queue', 'host', 'heap'] as const) {
        const value = values[name];
        if (value === undefined) continue;
        const known = highest.get(name);
        highest.set(
          name,
          known === undefined ? value : name === 'queue' ? Math.max(known, value) : Math.min(known, value),
        );
      }
    },
    queried: (ms) => void asked.push(ms),
    close() {
      const at = now();
      spans++;
      for (const [name, { latency, errors }] of providers) {
        latency.close(at);
        errors.close(at);
        tell('latency', name, latency.forecast());
        tell('errors', name, errors.forecast());
      }
      judgeGauges(at);
    },
    predictions: () => [...told.values()].flatMap(({ prediction }) => (prediction === undefined ? [] : [prediction])),
  };
}

const full: Pick<MeasureSettings, 'limit' | 'byRatio'> = { limit: 1, byRatio: false };

function queueOf(horizonMs: number) {
  return createMeasure({ ...full, leastSpread: 0.02, leastShare: 0.25, horizonMs, length: 24, warmAfter: 24 });
}

/** What takes a second is as good as away: each message of the chatbot asks several times. */
function databaseOf(horizonMs: number) {
  return createMeasure({
    ...{ limit: 1_000, byRatio: true, leastSpread: 0.25, leastShare: 0.05 },
    ...{ horizonMs, length: 36, warmAfter: 60 },
  });
}

/** Spans of half a minute; the line is that of a quarter of an hour. */
function memoryOf() {
  return createMeasure({
    ...{ ...full, leastSpread: 0.01, leastShare: 0.5 },
    ...{ horizonMs: 1_800_000, length: 30, warmAfter: 20, persistence: { raiseAfter: 3, clearAfter: 6 } },
  });
}
