// What happens now and then: real timers, or those of a simulated day.
import type { DetectorContext } from './detector.ts';

export interface Timers {
  /** Returns what ends it. */
  every(ms: number, act: () => void): () => void;
  after(ms: number, act: () => void): () => void;
}

/** None of them keeps a process alive. */
export const realTimers: Timers = {
  every(ms, act) {
    const timer = setInterval(act, ms).unref();
    return () => clearInterval(timer);
  },
  after(ms, act) {
    const timer = setTimeout(act, ms).unref();
    return () => clearTimeout(timer);
  },
};

/** Failures in a row after which a look is given up, and its detector begins anew. */
const patience = 3;

/**
 * Looks at once and then every so often, never twice at a time; says that it is alive after each look that came to its
 * end. `close` ends the look under way.
 */
export function lookEvery(
  { timers, ms }: { timers: Timers; ms: number },
  context: Pick<DetectorContext, 'alive' | 'failed' | 'log'>,
  look: (signal: AbortSignal) => Promise<void> | void,
): { close(): Promise<void> } {
  const stop = new AbortController();
  let underWay: Promise<void> | undefined;
  let failures = 0;
  const once = async () => {
    try {
      await look(stop.signal);
      if (stop.signal.aborted) return;
      failures = 0;
      context.alive();
    } catch (err) {
      if (stop.signal.aborted) return;
      failures++;
      context.log.warn({ err, failures }, 'a look of a detector failed');
      if (failures >= patience) context.failed(err);
    }
  };
  const begin = () => {
    underWay ??= once().finally(() => {
      underWay = undefined;
    });
  };
  const end = timers.every(ms, begin);
  begin();
  return {
    async close() {
      end();
      stop.abort();
      await underWay;
    },
  };
}
