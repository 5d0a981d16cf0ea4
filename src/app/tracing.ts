// The traces of an instance: spans of its requests, sent to the collector of the configuration; nothing at all without one.
import { Counter, Gauge, type Registry } from 'prom-client';
import type { Config } from '../config.ts';
import type { Log } from '../platform/base/log.ts';
import type { SpanCounts } from '../platform/tracing/span-exporter.ts';
import type { Tracing } from '../protect/gateway/request-trace.ts';
import { type AtEnd, drainMs } from './options.ts';

export interface TracingGround {
  log: Log;
  /** Where spans are counted; a thread that has none of its own leaves it out. */
  registry?: Registry;
}

/** Loaded only when asked for. */
export async function openTracing(
  { log, registry }: TracingGround,
  { tracing: settings }: Pick<Config, 'tracing'>,
  atEnd: AtEnd,
): Promise<Tracing | undefined> {
  if (settings.url === undefined) return undefined;
  const { createSpanExporter } = await import('../platform/tracing/span-exporter.ts');
  const { createTracing } = await import('../protect/gateway/request-trace.ts');
  const exporter = createSpanExporter({ now: Date.now, random: Math.random, log }, { ...settings, url: settings.url });
  atEnd(() => exporter.close(drainMs));
  if (registry !== undefined) register(registry, exporter.counts);
  return createTracing({ now: Date.now, random: Math.random, offer: exporter.offer }, settings);
}

function register(registry: Registry, counts: () => SpanCounts): void {
  const registers = [registry];
  const results = ['exported', 'dropped', 'rejected'] as const;
  const before = { exported: 0, dropped: 0, rejected: 0 };
  new Counter({
    name: 'rempart_trace_spans_total',
    help: 'Spans by what became of them: sent to the collector, lost for want of room, refused by it',
    labelNames: ['result'],
    registers,
    collect() {
      const now = counts();
      for (const result of results) {
        this.inc({ result }, now[result] - before[result]);
        before[result] = now[result];
      }
    },
  });
  new Gauge({
    name: 'rempart_trace_spans_waiting',
    help: 'Spans that wait to be sent',
    registers,
    collect() {
      this.set(counts().waiting);
    },
  });
}
