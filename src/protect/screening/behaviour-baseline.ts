// What is usual here: a sample of each number that was seen, counts of each kind, and how far a new one lies from them.
import { z } from 'zod';
import { type FeatureName, kindNames, numberNames } from './behaviour-features.ts';

/** In the order of `numberNames`. */
export type Numbers = readonly number[];
/** In the order of `kindNames`. */
export type Kinds = readonly string[];

export interface Baseline {
  learn(numbers: Numbers, kinds: Kinds, at: number): void;
  /** What is unusual, and how much, 0..1. */
  judge(numbers: Numbers, kinds: Kinds): { feature: FeatureName; share: number }[];
  learned(): number;
  /** Milliseconds from the first to the last that was learned. */
  span(): number;
  save(): string;
}

const sampleSize = 512;
const maxKinds = 200;
/** Least spread of each number, in its own unit: a feature that never varied must not cry at the first change. */
const leastSpread = inOrder(numberNames, {
  rate: 0.7,
  length: 1,
  entropy: 0.25,
  turns: 0.6,
  refusals: 0.4,
  'failed-auth': 0.5,
  similarity: 0.5,
});
/** An unusual hour alone says little. */
const weight = inOrder(kindNames, { hour: 0.35, model: 0.6, language: 0.5 });
/** Less than usual is nothing to worry about, but in these. */
const bothSides = numberNames.map((name) => name === 'entropy');

/** By place and not by name: a name that is looked up for each of ten features takes longer than what is done with it. */
function inOrder<Name extends string>(names: readonly Name[], values: Readonly<Record<Name, number>>): number[] {
  return names.map((name) => values[name]);
}

const document = z.strictObject({
  version: z.literal(1),
  learned: z.number().int().min(0),
  state: z.number().int(),
  from: z.number(),
  until: z.number(),
  samples: z.record(z.string(), z.array(z.number()).max(sampleSize)),
  kinds: z.record(z.string(), z.record(z.string(), z.number().min(0))),
});

export function createBaseline(seed: number, saved?: string): Baseline {
  const before = read(saved);
  let learned = before?.learned ?? 0;
  let from = before?.from ?? 0;
  let until = before?.until ?? 0;
  let state = before?.state ?? (seed >>> 0 || 1);
  const samples = numberNames.map((name) => before?.samples[name] ?? []);
  const counts = kindNames.map((name) => new Map(Object.entries(before?.kinds[name] ?? {})));
  /** Of each sample, made anew when it changed a good deal. */
  const usuals: ({ median: number; spread: number; at: number } | undefined)[] = numberNames.map(() => undefined);

  function random(): number {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 0x1_0000_0000;
  }

  function usual(feature: number): { median: number; spread: number } {
    const known = usuals[feature];
    const sample = samples[feature]!;
    // A full sample takes in one number of four: 256 requests renew an eighth of it. Sorting it took 3 µs of each request.
    if (known !== undefined && learned - known.at < (sample.length < sampleSize ? 16 : 256)) return known;
    const median = middle(sample);
    const found = { median, spread: 1.4826 * middle(sample.map((value) => Math.abs(value - median))), at: learned };
    usuals[feature] = found;
    return found;
  }

  return {
    learn(numbers, kinds, at) {
      if (learned === 0) from = at;
      until = Math.max(until, at);
      learned++;
      for (let feature = 0; feature < numbers.length; feature++) {
        const sample = samples[feature]!;
        // The old makes way by chance, so that the sample follows slow changes.
        if (sample.length < sampleSize) sample.push(numbers[feature]!);
        else if (random() < 0.25) sample[Math.floor(random() * sampleSize)] = numbers[feature]!;
      }
      for (let feature = 0; feature < kinds.length; feature++) {
        const of = counts[feature]!;
        const kind = kinds[feature]!;
        const count = of.get(kind);
        if (count !== undefined || of.size < maxKinds) of.set(kind, (count ?? 0) + 1);
      }
    },
    judge(numbers, kinds) {
      const shares: { feature: FeatureName; share: number }[] = [];
      for (let feature = 0; feature < numbers.length; feature++) {
        const { median, spread } = usual(feature);
        const away = (numbers[feature]! - median) / Math.max(spread, leastSpread[feature]!);
        const distance = bothSides[feature] ? Math.abs(away) : away;
        if (distance > 3) shares.push({ feature: numberNames[feature]!, share: 1 - Math.exp((3 - distance) / 3) });
      }
      for (let feature = 0; feature < kinds.length; feature++) {
        const bits = -Math.log2(((counts[feature]!.get(kinds[feature]!) ?? 0) + 0.5) / (learned + 1));
        if (bits > 6)
          shares.push({ feature: kindNames[feature]!, share: weight[feature]! * Math.min(1, (bits - 6) / 4) });
      }
      return shares;
    },
    learned: () => learned,
    span: () => until - from,
    save: () =>
      JSON.stringify({
        version: 1,
        learned,
        state,
        from,
        until,
        samples: Object.fromEntries(numberNames.map((name, feature) => [name, samples[feature]])),
        kinds: Object.fromEntries(kindNames.map((name, feature) => [name, Object.fromEntries(counts[feature]!)])),
      }),
  };
}

function middle(values: readonly number[]): number {
  if (values.length === 0) return 0;
  // 16 µs for 512 numbers; an array with a comparison takes 60.
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.floor(sorted.length / 2)]!;
}

function read(saved: string | undefined): z.output<typeof document> | undefined {
  if (saved === undefined) return undefined;
  try {
    return document.parse(JSON.parse(saved));
  } catch {
    return undefined;
  }
}
