// The queue as Prometheus sees it: how many wait and since when, and what became of the others.
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Queue } from './queue.ts';

export interface DeferredMetrics {
  count(what: 'accepted' | 'refused' | 'answered' | 'failed' | 'expired' | 'cancelled'): void;
  webhook(outcome: 'done' | 'again' | 'given-up'): void;
  answered(waitedMs: number): void;
}

export function createDeferredMetrics(registry: Registry, queue: Pick<Queue, 'counts'>): DeferredMetrics {
  const registers = [registry];
  const total = new Counter({
    name: 'rempart_deferred_total',
    help: 'Requests that could wait: put in the queue, refused a place in it, and how those in it ended',
    labelNames: ['event'],
    registers,
  });
  const webhooks = new Counter({
    name: 'rempart_deferred_webhooks_total',
    help: 'Tries to tell a webhook how a deferred request ended',
    labelNames: ['outcome'],
    registers,
  });
  const waits = new Histogram({
    name: 'rempart_deferred_wait_seconds',
    help: 'How long requests in the queue waited for their answer',
    buckets: [1, 5, 15, 60, 300, 900, 3_600, 14_400, 86_400],
    registers,
  });
  const oldest = new Gauge({
    name: 'rempart_deferred_oldest_seconds',
    help: 'How long the oldest request in the queue has waited',
    registers,
  });
  new Gauge({
    name: 'rempart_deferred_requests',
    help: 'Requests in the queue that wait and that are being answered',
    labelNames: ['state'],
    registers,
    async collect() {
      // While the store is away nobody knows: no number is better than an old one.
      this.reset();
      oldest.reset();
      const counts = await queue.counts().catch(() => undefined);
      if (counts === undefined) return;
      this.set({ state: 'waiting' }, counts.waiting);
      this.set({ state: 'running' }, counts.running);
      oldest.set(Math.round(counts.oldestMs / 1_000));
    },
  });
  for (const event of ['accepted', 'refused', 'answered', 'failed', 'expired', 'cancelled']) total.inc({ event }, 0);
  return {
    count: (event) => total.inc({ event }),
    webhook: (outcome) => webhooks.inc({ outcome }),
    answered: (waitedMs) => waits.observe(waitedMs / 1_000),
  };
}
