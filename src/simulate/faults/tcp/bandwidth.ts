// At most `rate` kilobytes (of 1000 bytes) per second go on; 0 lets nothing through.
import { createTimedQueue } from './timed-queue.ts';
import { defaultMaxHeld, type ToxicKind } from './toxic.ts';

const sliceMs = 100;

export const bandwidth: ToxicKind<{ rate: number }> = {
  goName: 'BandwidthToxic',
  defaults: { rate: 0 },
  start({ attributes: { rate }, onward, now }) {
    const queue = createTimedQueue(onward, now);
    // One KB/s is one byte per millisecond.
    const sliceBytes = Math.max(1, Math.floor(rate * sliceMs));
    // Kept apart from the queue: a chunk's time counts even when it is gone before the next one comes.
    let freeAtMs = Number.NEGATIVE_INFINITY;
    return {
      write(chunk) {
        if (rate <= 0) return queue.add(chunk, Number.POSITIVE_INFINITY);
        for (let at = 0; at < chunk.length; at += sliceBytes) {
          const slice = chunk.subarray(at, at + sliceBytes);
          freeAtMs = Math.max(freeAtMs, now()) + slice.length / rate;
          queue.add(slice, freeAtMs);
        }
      },
      end: queue.end,
      release: queue.flush,
      stop: queue.stop,
      held: queue.held,
      maxHeld: defaultMaxHeld,
    };
  },
};
