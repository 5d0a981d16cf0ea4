// Scores of a text as a whole and of its runs of neighbouring segments: each run is judged alone, so what stands around a hostile one cannot hide it.
import { type Best, runLengths, smoothing } from './model.ts';

/** A sum of weights over features with that sum of squared values, as a logit. */
export function logitOf(sum: number, mass: number, scale: number, bias: number): number {
  return (sum * scale) / Math.sqrt(mass + smoothing) + bias;
}

/** Segments that a run may have. */
export interface Within {
  from: number;
  to: number;
  /** How many, at most. */
  longest: number;
}

/** The run with the highest logit; of equals, the longest. */
export function bestRun(
  sums: Float64Array,
  mass: Float64Array,
  scale: number,
  bias: number,
  { from, to, longest }: Within,
): Best {
  const best: Best = { logit: Number.NEGATIVE_INFINITY, first: 0, length: 0 };
  for (const length of runLengths) {
    if (length > to - from || length > longest) break;
    let sum = 0;
    let total = smoothing;
    for (let at = from; at < to; at++) {
      sum += sums[at]!;
      total += mass[at]!;
      if (at - from >= length) {
        sum -= sums[at - length]!;
        total -= mass[at - length]!;
      }
      if (at - from < length - 1) continue;
      const logit = (sum * scale) / Math.sqrt(total) + bias;
      if (logit >= best.logit) {
        best.logit = logit;
        best.first = at - length + 1;
        best.length = length;
      }
    }
  }
  return best;
}
