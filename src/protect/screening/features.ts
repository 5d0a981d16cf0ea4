// What a model sees of a text: places of hashed features, and the two ways to take them up: as lists to learn from, or added up by weights.
import { grown } from './cutting.ts';

/** Where each kind of feature lies in the table, and how much one of them counts. */
export const regions = {
  chars: { base: 0, size: 1 << 17, value: 0.4 },
  words: { base: 1 << 17, size: 1 << 18, value: 1 },
  concepts: { base: 3 << 17, size: 1 << 16, value: 1.8 },
  form: { base: (3 << 17) + (1 << 16), size: 1 << 14, value: 0.7 },
  patterns: { base: (3 << 17) + (1 << 16) + (1 << 14), size: 1 << 12, value: 2 },
} as const;
export const tableSize = regions.patterns.base + regions.patterns.size;
export type Region = (typeof regions)[keyof typeof regions];

export function place(region: Region, hash: number): number {
  const mixed = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return region.base + ((mixed ^ (mixed >>> 13)) & (region.size - 1));
}

export function featureValue(feature: number): number {
  if (feature < regions.words.base) return regions.chars.value;
  if (feature < regions.concepts.base) return regions.words.value;
  if (feature < regions.form.base) return regions.concepts.value;
  return feature < regions.patterns.base ? regions.form.value : regions.patterns.value;
}

/** What a word's character n-grams are worth to the whole and to a run; `mass` is their sum of squared values. */
export interface WordValue {
  whole: number;
  run: number;
  mass: number;
}

/** Takes up the features of a text, segment by segment, and of the whole, to which each counts once. */
export interface Sink {
  open(): void;
  /** True when the text did not have the feature before. */
  add(feature: number, value: number): boolean;
  /** The character n-grams of a word that is new to the text, or of one that is not. */
  chars(grams: Int32Array, count: number, worth: WordValue, fresh: boolean): void;
  closeSegment(): void;
}

/** Counts texts in the upper half of each cell, so that nothing need be cleared between them. */
const lastText = 0x7fff;

function nextText(cells: Int32Array, text: number): number {
  if (text < lastText) return text + 1;
  for (let at = 0; at < cells.length; at++) cells[at] = cells[at]! & 0xffff;
  return 1;
}

/** Weights of two heads, for the whole and for runs. */
export interface TwoWeights {
  whole: Int8Array;
  run: Int8Array;
}

/** Adds features up as they come: what decides is kept, what was added is not. */
export interface Sums extends Sink {
  /** Per segment. */
  runs: Float64Array;
  mass: Float64Array;
  whole(): number;
  wholeMass(): number;
}

/** A feature's cell holds both weights and the text that had it last: one look at the memory for all three. */
export function createSums({ whole, run }: TwoWeights): Sums {
  const cells = new Int32Array(whole.length);
  for (let at = 0; at < cells.length; at++) cells[at] = (whole[at]! & 0xff) | ((run[at]! & 0xff) << 8);
  let text = 0;
  let count = 0;
  let [wholeSum, wholeMass, runSum, runMass] = [0, 0, 0, 0];
  const sums: Sums = {
    runs: new Float64Array(1 << 8),
    mass: new Float64Array(1 << 8),
    whole: () => wholeSum,
    wholeMass: () => wholeMass,
    open() {
      text = nextText(cells, text);
      count = 0;
      wholeSum = wholeMass = runSum = runMass = 0;
    },
    add(feature, value) {
      const cell = cells[feature]!;
      runSum += ((cell << 16) >> 24) * value;
      runMass += value * value;
      if (cell >> 16 === text) return false;
      cells[feature] = (cell & 0xffff) | (text << 16);
      wholeSum += ((cell << 24) >> 24) * value;
      wholeMass += value * value;
      return true;
    },
    chars(_grams, _count, worth, fresh) {
      runSum += worth.run;
      runMass += worth.mass;
      if (!fresh) return;
      wholeSum += worth.whole;
      wholeMass += worth.mass;
    },
    closeSegment() {
      if (count + 1 >= sums.runs.length) {
        sums.runs = grown(sums.runs, new Float64Array(count * 2 + 2));
        sums.mass = grown(sums.mass, new Float64Array(count * 2 + 2));
      }
      sums.runs[count] = runSum;
      sums.mass[count++] = runMass;
      runSum = runMass = 0;
    },
  };
  return sums;
}

/** Adds a text as a whole up for three heads at once. */
export interface ThreeSums extends Sink {
  sums: Float64Array;
  mass(): number;
}

export function createThreeSums(weights: readonly Int8Array[]): ThreeSums {
  const [one, two, three] = weights as [Int8Array, Int8Array, Int8Array];
  const cells = Int32Array.from(one, (weight, at) => (weight & 0xff) | ((two[at]! & 0xff) << 8) | (three[at]! << 16));
  const seen = new Int32Array(cells.length);
  const sums = new Float64Array(3);
  let text = 0;
  let mass = 0;
  const take = (cell: number, value: number): void => {
    sums[0] = sums[0]! + ((cell << 24) >> 24) * value;
    sums[1] = sums[1]! + ((cell << 16) >> 24) * value;
    sums[2] = sums[2]! + (cell >> 16) * value;
  };
  return {
    sums,
    mass: () => mass,
    open() {
      text++;
      mass = 0;
      sums.fill(0);
    },
    add(feature, value) {
      if (seen[feature] === text) return false;
      seen[feature] = text;
      take(cells[feature]!, value);
      mass += value * value;
      return true;
    },
    chars(grams, count, worth, fresh) {
      if (!fresh) return;
      for (let at = 0; at < count; at++) take(cells[grams[at]!]!, regions.chars.value);
      mass += worth.mass;
    },
    closeSegment() {},
  };
}

/** Features of segment i: features[ends[i-1]] to features[ends[i]]; `mass` is their sum of squared values. */
export interface Segments {
  count: number;
  ends: Int32Array;
  features: Int32Array;
  mass: Float64Array;
  whole: Whole;
}
/** The text as one: each feature once, the character n-grams of each word once. */
export interface Whole {
  features: Int32Array;
  mass: number;
}

export interface Lists extends Sink {
  /** A copy of what was taken up since `open`. */
  segments(): Segments;
}

export function createLists(): Lists {
  const seen = new Int32Array(tableSize);
  let text = 0;
  let [features, ends, masses, whole]: number[][] = [[], [], [], []];
  let mass = 0;
  let wholeMass = 0;
  return {
    open() {
      text++;
      [features, ends, masses, whole] = [[], [], [], []];
      mass = wholeMass = 0;
    },
    add(feature, value) {
      features!.push(feature);
      mass += value * value;
      if (seen[feature] === text) return false;
      seen[feature] = text;
      whole!.push(feature);
      wholeMass += value * value;
      return true;
    },
    chars(grams, count, worth, fresh) {
      for (let at = 0; at < count; at++) features!.push(grams[at]!);
      mass += worth.mass;
      if (!fresh) return;
      for (let at = 0; at < count; at++) whole!.push(grams[at]!);
      wholeMass += worth.mass;
    },
    closeSegment() {
      ends!.push(features!.length);
      masses!.push(mass);
      mass = 0;
    },
    segments: () => ({
      count: ends!.length,
      ends: Int32Array.from(ends!),
      features: Int32Array.from(features!),
      mass: Float64Array.from(masses!),
      whole: { features: Int32Array.from(whole!), mass: wholeMass },
    }),
  };
}
