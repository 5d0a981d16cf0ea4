// A pause that a provider asked for: nothing is sent, but for one try now and then, since it may heal before it said.

export interface Hold {
  /** It was asked, at `now`, to be left alone for so long. */
  begin(now: number, ms: number): void;
  /** Milliseconds until a request may be sent; 0 lets this one through, which must then be sent. */
  wait(now: number): number;
  /** Like `wait`, but takes nobody's turn. */
  left(now: number): number;
  /** Milliseconds until the end that was asked for, whoever may try before. */
  untilEnd(now: number): number;
  /** It answered what was sent at `startedAt`. */
  end(startedAt: number): void;
}

/** A timer may fire a little before its time by the clock: who waited as long as was asked is let through. */
const timerSlackMs = 5;

/** `everyMs`: how often one try is let through. */
export function createHold(everyMs: number): Hold {
  let since = 0;
  let until = 0;
  let nextTry = 0;
  const left = (now: number) => (until - now <= timerSlackMs || nextTry - now <= timerSlackMs ? 0 : nextTry - now);
  return {
    begin(now, ms) {
      since = now;
      until = now + ms;
      nextTry = now + Math.min(ms, everyMs);
    },
    wait(now) {
      const ms = left(now);
      if (ms === 0) nextTry = now + everyMs;
      return ms;
    },
    left,
    untilEnd: (now) => Math.max(0, until - now),
    end(startedAt) {
      // An answer to what was sent before proves nothing.
      if (startedAt >= since) until = 0;
    },
  };
}
