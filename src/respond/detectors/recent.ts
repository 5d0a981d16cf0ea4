// How often something happened lately, by name; bounded, whoever chooses the names.

export interface Recent {
  /** Counts it and says how often that was within the window. */
  add(name: string, at: number, weight?: number): number;
  forget(name: string): void;
}

interface Times {
  at: number[];
  weights: number[];
}

/** Remembers at most `most` names with `each` times; of too many names the one longest untouched goes. */
export function createRecent(windowMs: number, { most = 2_000, each = 1_000 } = {}): Recent {
  const names = new Map<string, Times>();
  return {
    add(name, at, weight = 1) {
      const times = names.get(name) ?? { at: [], weights: [] };
      names.delete(name);
      names.set(name, times);
      if (names.size > most) for (const oldest of names.keys()) if (names.delete(oldest)) break;
      times.at.push(at);
      times.weights.push(weight);
      while (times.at.length > each || (times.at[0] ?? at) <= at - windowMs) {
        times.at.shift();
        times.weights.shift();
      }
      return times.weights.reduce((sum, one) => sum + one, 0);
    },
    forget: (name) => void names.delete(name),
  };
}
