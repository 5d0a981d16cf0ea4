// How long to wait before the next try: exponential, with jitter, never less than the base.
import type { Ending } from '../../platform/base/ending.ts';

/** Milliseconds before retry `retry` (0 is the first): base × 2^retry, stretched by up to a half at random. */
export function backoffMs(retry: number, baseMs: number, random: () => number): number {
  return Math.ceil(baseMs * 2 ** retry * (1 + random() / 2));
}

/** Resolves after `ms`, or at once when the signal aborts; true when the time has passed. */
export function pause(ms: number, signal: Ending): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(false);
  return new Promise((resolve) => {
    const stop = () => {
      clearTimeout(timer);
      resolve(false);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve(true);
    }, ms);
    signal.addEventListener('abort', stop, { once: true });
  });
}
