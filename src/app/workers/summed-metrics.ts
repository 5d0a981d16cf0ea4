// One page of metrics for all threads: what several count is added up, and what a dead one counted stays counted.
import { AggregatorRegistry, type Registry } from 'prom-client';
import type { Metrics } from './protocol.ts';

export interface SummedMetrics {
  /** What a worker counts now. */
  note(worker: object, metrics: Metrics): void;
  /** It is gone: what it counted last goes on being counted. */
  keep(worker: object): void;
  /** Prometheus' text. */
  text(): Promise<string>;
}

export function createSummedMetrics(registry: Registry): SummedMetrics {
  const latest = new Map<object, Metrics>();
  let past: Metrics = [];
  return {
    note: (worker, metrics) => void latest.set(worker, metrics),
    keep(worker) {
      const last = latest.get(worker);
      latest.delete(worker);
      if (last !== undefined) past = sum(past, lasting(last));
    },
    async text() {
      const own = (await registry.getMetricsAsJSON()) as Metrics;
      const theirs = [past, ...latest.values()];
      const shared = new Set(theirs.flat().map(({ name }) => name));
      // Written as they are: some, as the time at which the process began, are no sums. And asked once: the lag of the
      // event loop is that since it was asked last.
      const asItIs = (metric: Metrics[number]) =>
        shared.has(metric.name) ? metric : { ...metric, aggregator: 'first' };
      return `${(await AggregatorRegistry.aggregate([own.map(asItIs) as Metrics, ...theirs]).metrics()).trimEnd()}\n`;
    },
  };
}

/** What is only ever added to; how things stand with a dead thread is nobody's affair. */
function lasting(metrics: Metrics): Metrics {
  return metrics.filter(({ type }) => ['counter', 'histogram'].includes(String(type)));
}

function sum(first: Metrics, second: Metrics): Metrics {
  const byName = new Map(first.map((metric) => [metric.name, metric]));
  for (const metric of second) {
    const before = byName.get(metric.name);
    const values = new Map(before?.values.map((value) => [seriesOf(value), value]));
    for (const value of metric.values) {
      const series = seriesOf(value);
      values.set(series, { ...value, value: value.value + (values.get(series)?.value ?? 0) });
    }
    byName.set(metric.name, { ...metric, values: [...values.values()] });
  }
  return [...byName.values()];
}

function seriesOf(value: object): string {
  const { metricName = '', labels } = value as { metricName?: string; labels: object };
  return JSON.stringify([metricName, Object.entries(labels).sort()]);
}
