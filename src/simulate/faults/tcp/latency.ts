// Each chunk goes on `latency` ms after it came, give or take `jitter`; chunks do not wait for each other's delays.
import { createTimedQueue } from './timed-queue.ts';
import type { ToxicKind } from './toxic.ts';

export const latency: ToxicKind<{ latency: number; jitter: number }> = {
  goName: 'LatencyToxic',
  defaults: { latency: 0, jitter: 0 },
  start({ attributes, onward, now, random }) {
    const queue = createTimedQueue(onward, now);
    return {
      write(chunk) {
        const delay = attributes.latency + (random() * 2 - 1) * Math.abs(attributes.jitter);
        // Bytes never overtake each other: a shorter draw goes on right after the one before.
        queue.add(chunk, Math.max(now() + delay, queue.lastDueMs()));
      },
      end: queue.end,
      release: queue.flush,
      stop: queue.stop,
      held: queue.held,
      // A delay is no limit of throughput, so much may be under way.
      maxHeld: 32 * 1024 * 1024,
    };
  },
};
