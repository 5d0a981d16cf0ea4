// Which key of a provider is in turn: those that serve share by their weights, spare ones follow in order once none of them may serve.
import { createWeighted } from './weighted.ts';

export interface ServingKeys {
  /** The key in turn; -1 when none may be used. Where all are to wait, the one that waits shortest. */
  next(): number;
  /** As `next`, but takes nobody's turn. */
  first(): number;
}

export interface ServingKeysParts {
  keys: number;
  weights: readonly number[];
  random: () => number;
  mayServe: (index: number) => boolean;
  /** How long this key is not to be asked. */
  waitMs: (index: number) => number;
}

export function createServing({ keys, weights, random, mayServe, waitMs }: ServingKeysParts): ServingKeys {
  const turns = weights.length > 1 ? createWeighted(weights, random) : undefined;
  const isReady = (index: number) => mayServe(index) && waitMs(index) === 0;

  function first(): number {
    for (let index = 0; index < keys; index++) if (mayServe(index)) return index;
    return -1;
  }

  return {
    first,
    next() {
      if (turns === undefined) return first();
      const ready = turns.next(isReady);
      if (ready !== -1) return ready;
      // A spare key takes over from refused ones, not from those that are to wait.
      let soonest = -1;
      for (let index = 0; index < weights.length; index++)
        if (mayServe(index) && (soonest === -1 || waitMs(index) < waitMs(soonest))) soonest = index;
      return soonest === -1 ? first() : soonest;
    },
  };
}
