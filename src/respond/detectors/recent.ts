// How often something happened lately, by name; bounded, whoever chooses the names.

export interface Recent {
  /** Counts it and says how often that was within the window. */
  add(name: string, at: number, weight?: number): number;
  forget(name: string): void;
}

interface Times {
  at: number[];
  weights: number[];
  /** Those before it are over. */
  from: number;
  sum: number;
}

/** Remembers at most `most` names with `each` times; of too many names the one longest untouched goes. */
export function createRecent(windowMs: number, { most = 2_000, each = 1_000 } = {}): Recent {
  const names = new Map<string, Times>();

  function dropOver(times: Times, since: number): void {
    while (times.at.length - times.from > each || (times.at[times.from] ?? Infinity) <= since) {
      times.sum -= times.weights[times.from]!;
      times.from++;
    }
    if (times.from < each) return;
    times.at = times.at.slice(times.from);
    times.weights = times.weights.slice(times.from);
    times.from = 0;
  }

  return {
    add(name, at, weight = 1) {
      const times = names.get(name) ?? { at: [], weights: [], from: 0, sum: 0 };
      names.delete(name);
      names.set(name, times);
      if (names.size > most) for (const oldest of names.keys()) if (names.delete(oldest)) break;
      times.at.push(at);
      times.weights.push(weight);
      times.sum += weight;
      dropOver(times, at - windowMs);
      return times.sum;
    },
    forget: (name) => void names.delete(name),
  };
}
