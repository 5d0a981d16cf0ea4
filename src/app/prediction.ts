// The prediction of failures in an instance: what it learns from, and where its limits come from.
import { sql } from 'kysely';
import type { Registry } from 'prom-client';
import type { Config } from '../config.ts';
import type { Signals } from '../platform/signals.ts';
import type { Store } from '../platform/store/store.ts';
import type { GatewayMetrics } from '../protect/gateway/metrics.ts';
import {
  type PredictionSources,
  type PredictionWatch,
  watchPrediction,
} from '../protect/prediction/watch-prediction.ts';
import type { InstanceLimits } from './limits.ts';
import type { AtEnd } from './options.ts';

/** Undefined where the configuration wants none. */
export function predictionOf(
  { prediction, gateway }: Config,
  parts: { signals: Signals; registry: Registry; metrics: GatewayMetrics },
  atEnd: AtEnd,
): PredictionWatch | undefined {
  if (!prediction.on) return undefined;
  const watch = watchPrediction(
    { ...parts, now: Date.now },
    {
      breakerFailures: gateway.breaker.failures,
      firstByteMs: gateway.timeouts.firstByteMs,
      horizonMs: prediction.horizonMinutes * 60_000,
    },
  );
  atEnd(async () => watch.close());
  return watch;
}

export function measuresOf(
  { limits: { concurrency } }: Config,
  { db }: Pick<Store, 'db'>,
  { places }: Pick<InstanceLimits, 'places'>,
): PredictionSources {
  return {
    queue: () => places.state().waiting / Math.max(1, concurrency.waiting),
    askDatabase: () => sql`select 1`.execute(db),
  };
}
