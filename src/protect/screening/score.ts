// Scores of the runs of neighbouring segments: every run is judged alone, so what stands around a hostile one cannot hide it.
import type { Segments } from './features.ts';
import { type Best, featureValue, runLengths, smoothing } from './model.ts';

/** Sums of one head's weights per segment, into `into`. */
export function sumSegments(
  weights: Int8Array | Float32Array,
  head: number,
  segments: Segments,
  into: Float64Array,
): void {
  const { features, ends, count, chars } = segments;
  let at = 0;
  for (let segment = 0; segment < count; segment++) {
    const end = ends[segment]!;
    let sum = chars?.[head]?.[segment] ?? 0;
    for (; at < end; at++) {
      const feature = features[at]!;
      sum += weights[feature]! * featureValue(feature);
    }
    into[segment] = sum;
  }
}

export interface Within {
  from: number;
  to: number;
  /** Segments in a run, at most. */
  longest: number;
}

/** The run with the highest logit; of equals, the longest. */
export function bestRun(
  sums: Float64Array,
  segments: Segments,
  scale: number,
  bias: number,
  { from, to, longest }: Within = { from: 0, to: segments.count, longest: Number.POSITIVE_INFINITY },
): Best {
  const best: Best = { logit: Number.NEGATIVE_INFINITY, first: 0, length: 0 };
  const { mass } = segments;
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

/** What one head says of a run. */
export function runLogit(
  weights: Int8Array,
  scale: number,
  bias: number,
  head: number,
  { features, ends, mass, chars }: Segments,
  { first, length }: Best,
): number {
  let sum = 0;
  let total = smoothing;
  for (let at = first; at < first + length; at++) {
    sum += chars?.[head]?.[at] ?? 0;
    total += mass[at]!;
  }
  const end = ends[first + length - 1]!;
  for (let at = first === 0 ? 0 : ends[first - 1]!; at < end; at++) {
    const feature = features[at]!;
    sum += weights[feature]! * featureValue(feature);
  }
  return (sum * scale) / Math.sqrt(total) + bias;
}
