// Bytes per proxy and direction in the Prometheus text format, counted as they pass and not when a connection ends.
import { Counter, collectDefaultMetrics, Registry } from 'prom-client';
import type { Proxies } from './proxies.ts';
import { json, type Reply } from './reply.ts';

const labels = ['direction', 'listener', 'proxy', 'upstream'] as const;

export async function metricsReply(proxies: Proxies): Promise<Reply> {
  const registry = new Registry();
  const received = new Counter({
    name: 'toxiproxy_proxy_received_bytes_total',
    help: 'The total number of bytes received on a given proxy link',
    labelNames: labels,
    registers: [registry],
  });
  const sent = new Counter({
    name: 'toxiproxy_proxy_sent_bytes_total',
    help: 'The total number of bytes sent on a given proxy link',
    labelNames: labels,
    registers: [registry],
  });
  for (const proxy of proxies.list()) {
    const of = { proxy: proxy.name, listener: proxy.listen(), upstream: proxy.upstream() };
    for (const direction of ['upstream', 'downstream'] as const) {
      received.inc({ ...of, direction }, proxy.traffic[direction].received);
      sent.inc({ ...of, direction }, proxy.traffic[direction].sent);
    }
  }
  collectDefaultMetrics({ register: registry });
  return { ...json(await registry.metrics()), headers: { 'content-type': registry.contentType } };
}
