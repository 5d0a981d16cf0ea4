// Whether something that is ordinary now and then comes too often: a number within a window, on top of what is usual here.
import { createRecent } from './recent.ts';
import { createUsual } from './usual.ts';

export interface Surge {
  /** Counts one; says how many there are once they are too many, and then begins anew. */
  add(name: string, at: number, tightness: number): number | undefined;
}

const minuteMs = 60_000;
const learnShare = 0.01;
/** Of what is usual in a window, so much more is still nothing. */
const spread = 2;
/** While nothing is known of what is usual: so many times the number. */
const coldTimes = 3;
/** Or the number, and what is usual, in so small a part of the window. */
const burstPart = 5;

export function createSurge({ count, withinSeconds }: { count: number; withinSeconds: number }): Surge {
  const windowMs = withinSeconds * 1_000;
  const recent = createRecent(windowMs, { each: Math.max(1_000, count * 4) });
  const burst = createRecent(windowMs / burstPart, { each: Math.max(1_000, count * 4) });
  const usual = createUsual(minuteMs, learnShare);
  return {
    add(name, at, tightness) {
      const seen = recent.add(name, at);
      const inBurst = burst.add(name, at);
      const perMinute = usual.add(name, at);
      const least = Math.max(1, Math.ceil(count * tightness));
      const beyond = (spanMs: number) =>
        least + ((spread * (perMinute ?? 0) * spanMs) / minuteMs) * Math.min(1, tightness);
      const isEnough =
        inBurst >= beyond(windowMs / burstPart) ||
        seen >= (perMinute === undefined ? least * coldTimes : beyond(windowMs));
      if (!isEnough) return undefined;
      recent.forget(name);
      burst.forget(name);
      return seen;
    },
  };
}
