// Logistic regression over the strongest run of segments of each text (multiple-instance learning), by AdaGrad; seeded, so that the same input gives the same weights.
import { type Segments, tableSize } from '../features.ts';
import { type Best, featureValue, type Head, heads, smoothing, stride } from '../model.ts';
import { bestRun, sumSegments } from '../score.ts';
import type { Example } from './examples.ts';

export interface TrainedHead {
  weights: Float32Array;
  bias: number;
}

const epochs = 8;
const rate = 0.3;
const decay: Readonly<Record<Head, number>> = {
  user: 1e-3,
  tool: 1e-4,
  injection: 1e-3,
  jailbreak: 1e-3,
  'code-execution': 1e-3,
};
/** To the head for documents what users write is a hint; what stands in documents, and in the same ones clean, decides. */
const documentWeight = 1000;

/** What the head has to say of an example; null leaves it out. */
function target(head: Head, { role, attack, category, explicit }: Example): boolean | null {
  // An operator's prompt reads like an attack: it would only teach that rules are harmless.
  if (role === 'system') return null;
  if (head === 'user') return attack;
  // What is hidden in a user's story says nothing of documents.
  if (head === 'tool') return role === 'tool' || !attack || explicit !== false ? attack : null;
  // Which kind of attack: innocent texts have none.
  return attack ? category === head : null;
}

export function trainHead(head: Head, examples: readonly Example[]): TrainedHead {
  const weights = new Float32Array(tableSize);
  const gradients = new Float32Array(tableSize).fill(1e-3);
  const random = generator(42 + heads.indexOf(head));
  const chosen = examples.flatMap((example) => {
    const wanted = target(head, example);
    return wanted === null || example.parts.length === 0 ? [] : [{ example, wanted }];
  });
  const attacks = chosen.filter(({ wanted }) => wanted).length;
  const attackWeight = Math.min(3, (0.5 * chosen.length) / attacks);
  let bias = 0;
  let biasGradient = 1;
  for (let epoch = 0; epoch < epochs; epoch++) {
    shuffle(chosen, random);
    const step = rate * (1 - epoch / epochs);
    for (const { example, wanted } of chosen) {
      const { best, part } = strongest(weights, bias, example.parts);
      const probability = 1 / (1 + Math.exp(-best.logit));
      const weight = (wanted ? attackWeight : 1) * (head === 'tool' && example.role === 'tool' ? documentWeight : 1);
      const gradient = (probability - (wanted ? 1 : 0)) * weight;
      if (Math.abs(gradient) < 1e-3) continue;
      const inverse = 1 / Math.sqrt(massOf(part, best));
      const { features, ends } = part;
      const end = ends[best.first + best.length - 1]!;
      for (let at = best.first === 0 ? 0 : ends[best.first - 1]!; at < end; at++) {
        const feature = features[at]!;
        const slope = gradient * featureValue(feature) * inverse + decay[head] * weights[feature]!;
        gradients[feature] = gradients[feature]! + slope * slope;
        weights[feature] = weights[feature]! - (step * slope) / Math.sqrt(gradients[feature]!);
      }
      biasGradient += gradient * gradient;
      bias -= (step * gradient) / Math.sqrt(biasGradient);
    }
  }
  return { weights, bias };
}

let sums = new Float64Array(1 << 12);

function strongest(weights: Float32Array, bias: number, parts: readonly Segments[]): { best: Best; part: Segments } {
  let found: { best: Best; part: Segments } | undefined;
  for (const part of parts) {
    if (part.count > sums.length) sums = new Float64Array(part.count * 2);
    sumSegments(weights, 0, part, sums);
    const best = bestRun(sums, part, 1, bias);
    if (found === undefined || best.logit > found.best.logit) found = { best, part };
  }
  return found!;
}

/** The logit of a text; minus infinity when it has no word at all. */
export function scoreExample({ weights, bias }: TrainedHead, { parts }: Example): number {
  return parts.length === 0 ? Number.NEGATIVE_INFINITY : strongest(weights, bias, parts).best.logit;
}

function massOf({ mass }: Segments, { first, length }: Best): number {
  let total = smoothing;
  for (let at = first; at < first + length; at++) total += mass[at]!;
  return total;
}

/** Eight bits a weight; the largest weight is 127 steps. */
export function quantise(trained: readonly TrainedHead[]): { weights: Int8Array; scales: number[]; biases: number[] } {
  const weights = new Int8Array(tableSize * stride);
  const scales = trained.map(({ weights: exact }, head) => {
    const sizes = exact
      .filter((weight) => weight !== 0)
      .map(Math.abs)
      .sort();
    const scale = (sizes[Math.floor(sizes.length * 0.99999)] ?? 1) / 127;
    exact.forEach((weight, feature) => {
      weights[feature * stride + head] = Math.max(-127, Math.min(127, Math.round(weight / scale)));
    });
    return scale;
  });
  return { weights, scales, biases: trained.map(({ bias }) => bias) };
}

function shuffle<T>(list: T[], random: () => number): void {
  for (let at = list.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1));
    [list[at], list[other]] = [list[other]!, list[at]!];
  }
}

/** mulberry32: small, and the same everywhere. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
