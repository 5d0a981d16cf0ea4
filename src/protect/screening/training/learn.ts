// Logistic regression by AdaGrad over each text as a whole, and over its strongest run of segments (multiple-instance learning); seeded, so that the same input gives the same weights.
import { featureValue, tableSize } from '../features.ts';
import { type Best, type Head, heads, smoothing } from '../model.ts';
import { bestRun, logitOf } from '../score.ts';
import { digest, type Example, type Part, runText, type Span } from './examples.ts';
import { generator, shuffle } from './random.ts';

export interface TrainedHead {
  head: Head;
  weights: Float32Array;
  bias: number;
}

/** How a head learns. */
const course = { epochs: 12, rate: 0.5, decay: 1e-5, start: 1e-4 } as const;
/**
 * Heads that are heard beside others are given more time and smaller weights: on held-out texts the one for users' whole
 * texts finds one attack in a hundred more, those for documents five at one innocent document in a hundred.
 */
const longCourse = { ...course, epochs: 24, decay: 1e-4 } as const;

/** What the heads for documents learn from: documents nearly alone, or all texts, of which documents count so often. */
type Lessons = 'documents' | 'all';
const documentsCount: Partial<Readonly<Record<Head, number>>> = { tool: 20, 'tool-run': 1000 };
/** One innocent text of a user in so many tells what is no order either, where documents are nearly alone. */
const innocentShare = 20;

/** What the head has to say of an example; null leaves it out. */
function target(head: Head, lessons: Lessons, one: Example): boolean | null {
  const { role, attack } = one;
  // An operator's prompt reads like an attack: it would only teach that rules are harmless.
  if (role === 'system') return null;
  switch (head) {
    // The head for whole texts learns from whole texts: what stands around an attack is for the runs.
    case 'user':
      return role === 'tool' || one.composite ? null : attack;
    case 'user-run':
      return role === 'tool' ? null : attack;
    case 'tool':
    case 'tool-run':
      if (role === 'tool') return attack;
      // What is hidden in a user's story says nothing of documents.
      if (lessons === 'all') return attack && one.explicit === false ? null : attack;
      return !attack && one.source === 'rempart-prompts' && digest(`innocent ${one.id}`) % innocentShare === 0
        ? false
        : null;
    // Which kind of attack: innocent texts have none.
    default:
      return attack ? one.category === head : null;
  }
}

/**
 * A head for documents is the mean of two: documents alone tell best what is an order in one, and what users write has
 * the words that no document had.
 */
export function trainHead(head: Head, examples: readonly Example[]): TrainedHead {
  const one = learn(head, 'all', examples);
  if (head !== 'tool' && head !== 'tool-run') return one;
  const other = learn(head, 'documents', examples);
  return {
    head,
    weights: one.weights.map((weight, at) => (weight + other.weights[at]!) / 2),
    bias: (one.bias + other.bias) / 2,
  };
}

function learn(head: Head, lessons: Lessons, examples: readonly Example[]): TrainedHead {
  const { epochs, rate, decay, start } =
    head === 'user' || head === 'tool' || head === 'tool-run' ? longCourse : course;
  const documents = (lessons === 'all' && documentsCount[head]) || 1;
  const trained: TrainedHead = { head, weights: new Float32Array(tableSize), bias: 0 };
  const { weights } = trained;
  const gradients = new Float32Array(tableSize).fill(start);
  const random = generator(42 + heads.indexOf(head));
  const chosen = examples.flatMap((example) => {
    const wanted = target(head, lessons, example);
    return wanted === null || example.parts.length === 0 ? [] : [{ example, wanted }];
  });
  const attacks = chosen.filter(({ wanted }) => wanted).length;
  const attackWeight = isRun(head) ? Math.min(3, (0.5 * chosen.length) / attacks) : 1;
  let biasGradient = 1;
  for (let epoch = 0; epoch < epochs; epoch++) {
    shuffle(chosen, random);
    const step = rate * (1 - epoch / epochs);
    for (const { example, wanted } of chosen) {
      const { logit, features, from, to, mass } = strongest(trained, example.parts, wanted ? example.planted : null);
      const probability = 1 / (1 + Math.exp(-logit));
      const weight = (wanted ? attackWeight : 1) * (example.role === 'tool' ? documents : 1);
      const gradient = (probability - (wanted ? 1 : 0)) * weight;
      if (Math.abs(gradient) < 1e-3) continue;
      const inverse = 1 / Math.sqrt(mass);
      for (let at = from; at < to; at++) {
        const feature = features[at]!;
        const slope = gradient * featureValue(feature) * inverse + decay * weights[feature]!;
        gradients[feature] = gradients[feature]! + slope * slope;
        weights[feature] = weights[feature]! - (step * slope) / Math.sqrt(gradients[feature]!);
      }
      biasGradient += gradient * gradient;
      trained.bias -= (step * gradient) / Math.sqrt(biasGradient);
    }
  }
  return trained;
}

function isRun(head: Head): boolean {
  return head.endsWith('-run');
}

let sums = new Float64Array(1 << 12);

/** What decided: features `from` to `to`, divided by the root of their mass. */
interface Strongest {
  logit: number;
  part: Part;
  /** Segments: the first and how many. */
  first: number;
  length: number;
  features: Int32Array;
  from: number;
  to: number;
  mass: number;
}

/** Where it is known where the attack stands, no other run is the loudest. */
function strongest(
  { head, weights, bias }: TrainedHead,
  parts: readonly Part[],
  planted: Span | null = null,
): Strongest {
  if (isRun(head) && planted !== null) return strongestRun(weights, bias, parts[0]!, planted);
  let found: Strongest | undefined;
  for (const part of parts) {
    const one = isRun(head) ? strongestRun(weights, bias, part) : wholeOf(weights, bias, part);
    if (found === undefined || one.logit > found.logit) found = one;
  }
  return found!;
}

function wholeOf(weights: Float32Array, bias: number, part: Part): Strongest {
  const { features, mass } = part.whole;
  const sum = sumOf(weights, features, 0, features.length);
  return {
    logit: logitOf(sum, mass, 1, bias),
    part,
    first: 0,
    length: part.count,
    features,
    from: 0,
    to: features.length,
    mass: mass + smoothing,
  };
}

function sumOf(weights: Float32Array, features: Int32Array, from: number, to: number): number {
  let sum = 0;
  for (let at = from; at < to; at++) sum += weights[features[at]!]! * featureValue(features[at]!);
  return sum;
}

function strongestRun(weights: Float32Array, bias: number, part: Part, within?: Span): Strongest {
  const { count, features, ends } = part;
  if (count > sums.length) sums = new Float64Array(count * 2);
  for (let at = 0; at < count; at++) sums[at] = sumOf(weights, features, at === 0 ? 0 : ends[at - 1]!, ends[at]!);
  const { from, to } = within ?? { from: 0, to: count };
  const best = bestRun(sums, part.mass, 1, bias, { from, to, longest: Number.POSITIVE_INFINITY });
  return {
    logit: best.logit,
    part,
    first: best.first,
    length: best.length,
    features,
    from: best.first === 0 ? 0 : ends[best.first - 1]!,
    to: ends[best.first + best.length - 1]!,
    mass: massOf(part, best),
  };
}

/** The logit of a text; minus infinity when it has no word at all. */
export function scoreExample(trained: TrainedHead, { parts }: Example): number {
  return parts.length === 0 ? Number.NEGATIVE_INFINITY : strongest(trained, parts).logit;
}

/** What speaks loudest of a text: a run of it, or the whole. */
export function loudest(trained: TrainedHead, { parts }: Example): string {
  if (parts.length === 0) return '';
  const { part, first, length } = strongest(trained, parts);
  return runText(part, first, length);
}

function massOf({ mass }: Part, { first, length }: Best): number {
  let total = smoothing;
  for (let at = first; at < first + length; at++) total += mass[at]!;
  return total;
}

/** Eight bits a weight; the largest weight is 127 steps. */
export function quantise(trained: readonly TrainedHead[]): {
  weights: Int8Array[];
  scales: number[];
  biases: number[];
} {
  const scales = trained.map(({ weights }) => {
    const sizes = weights
      .filter((weight) => weight !== 0)
      .map(Math.abs)
      .sort();
    return (sizes[Math.floor(sizes.length * 0.99999)] ?? 1) / 127;
  });
  const weights = trained.map(({ weights: exact }, head) =>
    Int8Array.from(exact, (weight) => Math.max(-127, Math.min(127, Math.round(weight / scales[head]!)))),
  );
  return { weights, scales, biases: trained.map(({ bias }) => bias) };
}
