// Takes turns among equals by their weights, evenly: of 3 to 1 it makes a a b a, never a a a b.

export interface Weighted {
  /** The one in turn, among those that may be taken; -1 when none may. */
  next(mayBeTaken?: (index: number) => boolean): number;
}

/**
 * Smooth weighted round robin, as nginx has it since 1.3.1: each gains its weight, the first of the highest is taken and
 * pays what all gained. `random` chooses where in the round it begins, so that several threads do not all begin alike.
 */
export function createWeighted(weights: readonly number[], random: () => number): Weighted {
  const standing = weights.map(() => 0);
  function next(mayBeTaken?: (index: number) => boolean): number {
    let gained = 0;
    let best = -1;
    for (let index = 0; index < weights.length; index++) {
      if (mayBeTaken !== undefined && !mayBeTaken(index)) continue;
      const weight = weights[index]!;
      gained += weight;
      standing[index]! += weight;
      if (best === -1 || standing[index]! > standing[best]!) best = index;
    }
    if (best !== -1) standing[best]! -= gained;
    return best;
  }
  const round = weights.reduce((sum, weight) => sum + weight, 0);
  for (let step = Math.floor(random() * round); step > 0; step--) next();
  return { next };
}
