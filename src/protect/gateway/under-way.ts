// The calls under way, so that those of a caller who may not go on are found by the event that says so: no piece of an answer asks.
import type { RempartError } from '../../platform/base/errors.ts';
import type { Caller } from './ask.ts';
import type { Standing } from './standing.ts';

export interface CallsUnderWay {
  /** For a caller who was let in just now: what `begin` is to be told. */
  seen(): number;
  /**
   * From now on `cut` is called, once, should the caller lose its standing. `seen`: as of when it was let in; without it,
   * it is looked at anew. Returns what ends that.
   */
  begin(call: CallUnderWay, seen?: number): () => void;
  close(): void;
}

export interface CallUnderWay {
  caller: Caller;
  startedAt: number;
  cut: (why: RempartError) => void;
}

export function createCallsUnderWay(standing: Standing): CallsUnderWay {
  const calls = new Set<CallUnderWay>();
  let looks = 0;

  function judge(call: CallUnderWay): void {
    const why = standing.lost(call.caller, call.startedAt);
    if (why !== undefined && calls.delete(call)) call.cut(why);
  }

  function look(): void {
    looks++;
    for (const call of [...calls]) judge(call);
  }

  const end = standing.watch(look);
  return {
    seen: () => looks,
    begin(call, seen) {
      calls.add(call);
      // Its body came in while somebody was taken leave of: that look has not seen it.
      if (seen !== looks) judge(call);
      return () => void calls.delete(call);
    },
    close: end,
  };
}
