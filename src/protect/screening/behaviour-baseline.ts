// What is usual here: a sample of each number that was seen, counts of each kind, and how far a new one lies from them.
import { z } from 'zod';
import { type FeatureName, kindNames, numberNames } from './behaviour-features.ts';

export type Numbers = Readonly<Partial<Record<FeatureName, number>>>;
export type Kinds = Readonly<Partial<Record<FeatureName, string>>>;

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
const leastSpread: Readonly<Partial<Record<FeatureName, number>>> = {
  rate: 0.7,
  length: 1,
  entropy: 0.25,
  turns: 0.6,
  refusals: 0.4,
  'failed-auth': 0.5,
  similarity: 0.5,
};
/** An unusual hour alone says little. */
const weight: Readonly<Partial<Record<FeatureName, number>>> = { hour: 0.35, model: 0.6, language: 0.5 };
/** Less than usual is nothing to worry about, but in these. */
const bothSides: ReadonlySet<FeatureName> = new Set(['entropy']);

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
  const samples = new Map<string, number[]>(Object.entries(before?.samples ?? {}));
  const counts = new Map<string, Map<string, number>>(
    Object.entries(before?.kinds ?? {}).map(([name, kinds]) => [name, new Map(Object.entries(kinds))]),
  );
  /** Sorted copies, made anew when their sample changed a good deal. */
  const orders = new Map<string, { median: number; spread: number; at: number }>();

  function random(): number {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 0x1_0000_0000;
  }

  function usual(name: string): { median: number; spread: number } {
    const known = orders.get(name);
    const sample = samples.get(name) ?? [];
    // A full sample takes in one number of four: 256 requests renew an eighth of it. Sorting it took 3 µs of each request.
    if (known !== undefined && learned - known.at < (sample.length < sampleSize ? 16 : 256)) return known;
    const median = middle(sample);
    const found = { median, spread: 1.4826 * middle(sample.map((value) => Math.abs(value - median))), at: learned };
    orders.set(name, found);
    return found;
  }

  return {
    learn(numbers, kinds, at) {
      if (learned === 0) from = at;
      until = Math.max(until, at);
      learned++;
      for (const name of numberNames) {
        const value = numbers[name];
        if (value === undefined) continue;
        let sample = samples.get(name);
        if (sample === undefined) {
          sample = [];
          samples.set(name, sample);
        }
        // The old makes way by chance, so that the sample follows slow changes.
        if (sample.length < sampleSize) sample.push(value);
        else if (random() < 0.25) sample[Math.floor(random() * sampleSize)] = value;
      }
      for (const name of kindNames) {
        const kind = kinds[name];
        if (kind === undefined) continue;
        let of = counts.get(name);
        if (of === undefined) {
          of = new Map();
          counts.set(name, of);
        }
        if (of.has(kind) || of.size < maxKinds) of.set(kind, (of.get(kind) ?? 0) + 1);
      }
    },
    judge(numbers, kinds) {
      const shares: { feature: FeatureName; share: number }[] = [];
      for (const name of numberNames) {
        const value = numbers[name];
        if (value === undefined) continue;
        const { median, spread } = usual(name);
        const away = (value - median) / Math.max(spread, leastSpread[name] ?? 0.5);
        const distance = bothSides.has(name) ? Math.abs(away) : away;
        if (distance > 3) shares.push({ feature: name, share: 1 - Math.exp((3 - distance) / 3) });
      }
      for (const name of kindNames) {
        const kind = kinds[name];
        if (kind === undefined) continue;
        const bits = -Math.log2(((counts.get(name)?.get(kind) ?? 0) + 0.5) / (learned + 1));
        if (bits > 6) shares.push({ feature: name, share: (weight[name] ?? 0.5) * Math.min(1, (bits - 6) / 4) });
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
        samples: Object.fromEntries(samples),
        kinds: Object.fromEntries([...counts].map(([name, kinds]) => [name, Object.fromEntries(kinds)])),
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
