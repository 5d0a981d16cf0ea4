// Prediction at work: hears what the gateway counts, looks at queue, database and memory once a second, and tells by signal, metrics and readyz.
import { Counter, Gauge, type Registry } from 'prom-client';
import type { Signals } from '../../platform/signals.ts';
import type { GatewayMetrics } from '../gateway/metrics.ts';
import { heapShare, hostShare } from './memory-share.ts';
import { createPredictor, type Prediction, type Predictor, type PredictorSettings, spanMs } from './predictor.ts';

export interface PredictionSources {
  /** How full the line of those that wait is, 0 to 1. */
  queue: () => number;
  /** Asks the database something small; rejects while it is away. */
  askDatabase: () => Promise<unknown>;
}

export interface PredictionWatch {
  /** The same metrics; what they hear of is learned from. */
  metrics: GatewayMetrics;
  start(sources: PredictionSources): void;
  predictions(): readonly Prediction[];
  /** What another thread heard. */
  attempted: Predictor['attempted'];
  answered: Predictor['answered'];
  close(): void;
}

export interface PredictionParts {
  now: () => number;
  signals: Signals;
  metrics: GatewayMetrics;
  registry: Registry;
  /** Default: the real one. */
  predictor?: Predictor;
}

const sampleMs = 1_000;

export function watchPrediction(parts: PredictionParts, settings: PredictorSettings): PredictionWatch {
  const { metrics, registry, signals } = parts;
  const predictor = parts.predictor ?? createPredictor(parts, settings);
  register(registry, signals, predictor.predictions);
  let timer: NodeJS.Timeout | undefined;
  let isAsking = false;

  async function ask(askDatabase: PredictionSources['askDatabase']): Promise<void> {
    if (isAsking) return;
    isAsking = true;
    const from = performance.now();
    // One that is away is told of by others, and is nothing to be foreseen any more.
    await askDatabase().then(
      () => predictor.queried(performance.now() - from),
      () => undefined,
    );
    isAsking = false;
  }

  return {
    metrics: {
      ...metrics,
      attempt(provider, outcome) {
        metrics.attempt(provider, outcome);
        predictor.attempted(provider, outcome);
      },
      answered(provider, seconds) {
        metrics.answered(provider, seconds);
        predictor.answered(provider, seconds * 1_000);
      },
    },
    start({ queue, askDatabase }) {
      let samples = 0;
      timer = setInterval(() => {
        const host = hostShare();
        predictor.sample({ queue: queue(), heap: heapShare(), ...(host === undefined ? {} : { host }) });
        void ask(askDatabase);
        if (++samples % (spanMs / sampleMs) === 0) predictor.close();
      }, sampleMs).unref();
    },
    predictions: predictor.predictions,
    attempted: predictor.attempted,
    answered: predictor.answered,
    close: () => clearInterval(timer),
  };
}

function register(registry: Registry, signals: Signals, predictions: Predictor['predictions']): void {
  const registers = [registry];
  const labelNames = ['what', 'target'] as const;
  new Gauge({
    name: 'rempart_failure_predicted_in_seconds',
    help: 'Seconds until something is foreseen to fail; there is none where nothing is foreseen',
    labelNames,
    registers,
    collect() {
      this.reset();
      for (const { what, target, failsInMs } of predictions()) this.set({ what, target }, failsInMs / 1_000);
    },
  });
  const told = new Counter({
    name: 'rempart_failure_predictions_total',
    help: 'Failures that were foreseen and told of',
    labelNames: ['what'],
    registers,
  });
  signals.subscribe(({ kind, facts }) => {
    if (kind === 'failure-predicted') told.inc({ what: String(facts['what']) });
  });
}
