// Chance from a seed, for the simulated day: the same seed makes the same day.

export interface Chance {
  /** 0 ≤ x < 1. */
  next(): number;
  below(most: number): number;
  one<T>(of: readonly T[]): T;
  happens(share: number): boolean;
  /** How many of something that comes `mean` times on average. */
  poisson(mean: number): number;
}

export function chance(seed: number): Chance {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  return {
    next,
    below: (most) => Math.floor(next() * most),
    one: (of) => of[Math.floor(next() * of.length)]!,
    happens: (share) => next() < share,
    poisson(mean) {
      let count = 0;
      for (let product = next(); product > Math.exp(-mean); product *= next()) count++;
      return count;
    },
  };
}

/** How busy an hour is, 1 at the busiest: quiet at night, a dip at noon. */
export function busyness(hour: number): number {
  const day = [5, 3, 2, 2, 2, 4, 10, 25, 55, 85, 95, 90, 65, 80, 100, 95, 85, 65, 45, 35, 28, 20, 13, 8];
  return day[hour % 24]! / 100;
}
