// What is usual: how often something happens in a window, learned as it goes; slow to learn, so that an attack is not learned at once.

export interface Usual {
  /** Counts one, and says how many a window usually has; undefined until some windows have gone by. */
  add(name: string, at: number): number | undefined;
}

interface Learned {
  since: number;
  count: number;
  mean: number;
  windows: number;
}

const learnAfter = 10;
const mostNames = 2_000;

/** `share`: what a window changes of what is known. */
export function createUsual(windowMs: number, share = 0.1): Usual {
  const names = new Map<string, Learned>();
  return {
    add(name, at) {
      let learned = names.get(name);
      if (learned === undefined) {
        if (names.size >= mostNames) names.clear();
        learned = { since: at, count: 0, mean: 0, windows: 0 };
        names.set(name, learned);
      }
      const over = Math.floor((at - learned.since) / windowMs);
      if (over > 0) {
        learn(learned, learned.count, share);
        // Windows in which nothing happened count too; beyond so many they have all been forgotten.
        for (let count = 1; count < Math.min(over, 10 / share); count++) learn(learned, 0, share);
        learned.since += over * windowMs;
        learned.count = 0;
      }
      learned.count++;
      return learned.windows < learnAfter ? undefined : learned.mean;
    },
  };
}

function learn(learned: Learned, count: number, share: number): void {
  learned.windows++;
  // A plain mean at first, so that the first window does not weigh more than the others.
  const weight = Math.max(share, 1 / learned.windows);
  learned.mean += (count - learned.mean) * weight;
}
