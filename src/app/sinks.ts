// The sinks of a running instance: started once it serves, replaced when the configuration is read anew, counted for Prometheus.
import { join } from 'node:path';
import { Counter, Gauge, type Registry } from 'prom-client';
import type { Config } from '../config.ts';
import type { Log } from '../platform/base/log.ts';
import type { DeliveryState } from '../platform/journal/sinks/deliver.ts';
import { startSinks } from '../platform/journal/sinks/start-sinks.ts';
import type { AtEnd } from './options.ts';

export interface InstanceSinks {
  states(): Readonly<Record<string, DeliveryState>>;
  /** The old ones end first: two that serve the same place would send everything twice. */
  replace(config: Config): Promise<void>;
}

export function storeLocation(config: Config, data: string): { path: string } | { url: string } {
  const { path, url } = config.store;
  return url === undefined ? { path: path ?? join(data, 'store.sqlite') } : { url };
}

export function openInstanceSinks(
  { config, data, log, registry }: { config: Config; data: string; log: Log; registry: Registry },
  atEnd: AtEnd,
): InstanceSinks {
  const start = (now: Config) => startSinks({ data, store: storeLocation(now, data), log }, now.sinks);
  let sinks = start(config);
  atEnd(() => sinks.close());
  registerSinkMetrics(registry, () => sinks.states());
  return {
    states: () => sinks.states(),
    async replace(next) {
      await sinks.close();
      sinks = start(next);
    },
  };
}

function registerSinkMetrics(registry: Registry, states: InstanceSinks['states']): void {
  const registers = [registry];
  const labelNames = ['sink'] as const;
  const gauge = (name: string, help: string, value: (state: DeliveryState) => number) =>
    new Gauge({
      ...{ name, help, labelNames, registers },
      collect() {
        this.reset();
        for (const [sink, state] of Object.entries(states())) this.set({ sink }, value(state));
      },
    });
  gauge('rempart_sink_up', 'Whether a sink takes records', ({ state }) => (state === 'ok' ? 1 : 0));
  gauge('rempart_sink_lag_bytes', 'Bytes of the journal that a sink does not have yet', (state) => state.bytesBehind);
  gauge('rempart_sink_lag_seconds', 'Age of the oldest record that a sink does not have yet', ({ oldestAt }) =>
    oldestAt === 0 ? 0 : Math.max(0, (Date.now() - oldestAt) / 1_000),
  );
  const counter = (name: string, help: string, value: (state: DeliveryState) => number) => {
    const last = new Map<string, number>();
    return new Counter({
      ...{ name, help, labelNames, registers },
      collect() {
        for (const [sink, state] of Object.entries(states())) {
          const now = value(state);
          const before = last.get(sink) ?? 0;
          // A sink that was started anew counts from nothing.
          this.inc({ sink }, now >= before ? now - before : now);
          last.set(sink, now);
        }
      },
    });
  };
  counter('rempart_sink_delivered_total', 'Records that a sink has taken', ({ delivered }) => delivered);
  counter('rempart_sink_failures_total', 'Attempts at a sink that failed', ({ failures }) => failures);
  counter('rempart_sink_refused_total', 'Records that a sink will never take', ({ refused }) => refused);
}
