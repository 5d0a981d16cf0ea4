// `bytes` bytes pass on each connection, then it closes; with 0 at the first byte.
import type { ToxicKind } from './toxic.ts';

export const limitData: ToxicKind<{ bytes: number }> = {
  goName: 'LimitDataToxic',
  defaults: { bytes: 0 },
  start({ attributes, onward, memory }) {
    return {
      write(chunk) {
        const passing = chunk.subarray(0, Math.max(0, attributes.bytes - memory.bytes));
        memory.bytes += passing.length;
        if (passing.length > 0) onward.write(passing);
        if (memory.bytes >= attributes.bytes) onward.end('close');
      },
      end: (how) => onward.end(how),
      release: () => {},
      stop: () => {},
      held: () => 0,
      maxHeld: 0,
    };
  },
};
