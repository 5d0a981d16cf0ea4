// Scores of the runs of neighbouring segments: every run is judged alone, so what stands around a hostile one cannot hide it.
import { type Segments, tableSize } from './features.ts';
import { type Best, featureValue, type Model, runLengths, smoothing, stride } from './model.ts';

/** Square of a value per feature, once. */
const values = Float32Array.from({ length: tableSize }, (_, feature) => featureValue(feature));

/** Sums of one head's weights per segment, into `into`. */
export function sumSegments(
  weights: Int8Array | Float32Array,
  step: number,
  head: number,
  segments: Segments,
  into: Float64Array,
): void {
  const { features, ends, count } = segments;
  let at = 0;
  for (let segment = 0; segment < count; segment++) {
    const end = ends[segment]!;
    let sum = 0;
    for (; at < end; at++) {
      const feature = features[at]!;
      sum += weights[feature * step + head]! * values[feature]!;
    }
    into[segment] = sum;
  }
}

/** The run with the highest logit; of equals, the longest. */
export function bestRun(sums: Float64Array, segments: Segments, scale: number, bias: number): Best {
  const best: Best = { logit: Number.NEGATIVE_INFINITY, first: 0, length: 0 };
  const { count, mass } = segments;
  for (const length of runLengths) {
    if (length > count) break;
    let sum = 0;
    let total = smoothing;
    for (let at = 0; at < count; at++) {
      sum += sums[at]!;
      total += mass[at]!;
      if (at >= length) {
        sum -= sums[at - length]!;
        total -= mass[at - length]!;
      }
      if (at < length - 1) continue;
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

/** The logit of one run. */
export function runLogit(model: Model, head: number, segments: Segments, { first, length }: Best): number {
  const { features, ends, mass } = segments;
  let sum = 0;
  const end = ends[first + length - 1]!;
  for (let at = first === 0 ? 0 : ends[first - 1]!; at < end; at++) {
    const feature = features[at]!;
    sum += model.weights[feature * stride + head]! * values[feature]!;
  }
  let total = smoothing;
  for (let at = first; at < first + length; at++) total += mass[at]!;
  return (sum * model.scales[head]!) / Math.sqrt(total) + model.biases[head]!;
}
