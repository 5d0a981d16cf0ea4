// Chunks are cut into pieces of about `average_size` bytes, `delay` microseconds apart; without a size nothing is cut.
import { createTimedQueue } from './timed-queue.ts';
import { defaultMaxHeld, type ToxicKind } from './toxic.ts';

export const slicer: ToxicKind<{ average_size: number; size_variation: number; delay: number }> = {
  goName: 'SlicerToxic',
  defaults: { average_size: 0, size_variation: 0, delay: 0 },
  start({ attributes, onward, now, random }) {
    const queue = createTimedQueue(onward, now);
    const { average_size: average, size_variation: variation } = attributes;
    const gapMs = Math.max(0, attributes.delay / 1000);
    let nextMs = Number.NEGATIVE_INFINITY;
    const pieceBytes = () => Math.max(1, Math.round(average + (random() * 2 - 1) * Math.max(0, variation)));
    return {
      write(chunk) {
        let at = 0;
        while (at < chunk.length) {
          const end = average <= 0 ? chunk.length : at + pieceBytes();
          const dueMs = Math.max(now(), nextMs);
          nextMs = dueMs + gapMs;
          queue.add(chunk.subarray(at, end), dueMs);
          at = end;
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
