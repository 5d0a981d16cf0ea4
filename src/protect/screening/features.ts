// What the model sees of a text: hashed character, word and meaning n-grams, segment by segment (a sentence, a cell, a line).
import { type Lexicon, setInts } from './lexicon.ts';
import { createMatcher } from './patterns.ts';
import { createWords, type WordValue } from './words.ts';

/** Where each kind of feature lies in the table, and how much one of them counts. */
export const regions = {
  chars: { base: 0, size: 1 << 16, value: 0.4 },
  words: { base: 1 << 16, size: 1 << 16, value: 1 },
  concepts: { base: 1 << 17, size: 1 << 15, value: 1.8 },
  form: { base: (1 << 17) + (1 << 15), size: 1 << 12, value: 0.7 },
  patterns: { base: (1 << 17) + (1 << 15) + (1 << 12), size: 1 << 12, value: 2 },
} as const;
export const tableSize = regions.patterns.base + regions.patterns.size;

export interface Segments {
  count: number;
  /** Features of segment i: features[ends[i-1]] to features[ends[i]]. */
  ends: Int32Array;
  features: Int32Array;
  /** Sum of squared values per segment. */
  mass: Float64Array;
  /** Places of the segments in the text. */
  starts: Int32Array;
  /** What the character n-grams of each segment add up to, per verdict head: then they are not among the features. */
  chars?: readonly Float64Array[];
}

export interface Extractor {
  /** The result is valid until the next call. */
  extract(text: string): Segments;
}

const maxTokens = 40;
const seed = 0x2545f491;

/** Listens to what the features stand for; only `explain` and tests pay for it. */
export type Naming = (feature: number, name: () => string) => void;

export interface ExtractorParts {
  naming?: Naming;
  /** With the weights of some heads, the character n-grams of a word are added up once and remembered with it. */
  weights?: readonly Int8Array[];
}

export function createExtractor(lexicon: Lexicon, { naming, weights }: ExtractorParts = {}): Extractor {
  let features = new Int32Array(1 << 14);
  let ends = new Int32Array(1 << 8);
  let starts = new Int32Array(1 << 8);
  let mass = new Float64Array(1 << 8);
  const chars = Array.from({ length: weights?.length ?? 0 }, () => new Float64Array(1 << 8));
  const hashes = new Int32Array(maxTokens);
  const matcher = createMatcher(lexicon.patterns, setInts);
  const from = new Int32Array(maxTokens);
  const to = new Int32Array(maxTokens);
  let used = 0;
  let count = 0;
  let weight = 0;
  let text = '';

  const room = (): void => {
    if (used + 4096 > features.length) features = grown(features, new Int32Array(features.length * 2));
    if (count + 1 >= ends.length) {
      ends = grown(ends, new Int32Array(ends.length * 2));
      starts = grown(starts, new Int32Array(starts.length * 2));
      mass = grown(mass, new Float64Array(mass.length * 2));
      for (const [head, sums] of chars.entries()) chars[head] = grown(sums, new Float64Array(sums.length * 2));
    }
  };
  const add = (region: (typeof regions)[keyof typeof regions], hash: number): number => {
    const mixed = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
    const feature = region.base + ((mixed ^ (mixed >>> 13)) & (region.size - 1));
    features[used++] = feature;
    weight += region.value * region.value;
    return feature;
  };

  const grams = (start: number, end: number): void => {
    // A word of more than 24 characters is looked at by its beginning only: a key or a hash says nothing more.
    const last = Math.min(end, start + 24);
    for (let at = start - 1; at < last - 1; at++) {
      let hash = Math.imul(seed ^ (at < start ? 32 : text.charCodeAt(at)), 0x01000193);
      for (let length = 2; length <= 5 && at + length <= last + 1; length++) {
        const place = at + length - 1;
        hash = Math.imul(hash ^ (place >= last ? 32 : text.charCodeAt(place)), 0x01000193) ^ (hash >>> 13);
        if (length < 3) continue;
        const feature = add(regions.chars, hash + length);
        if (weights === undefined) naming?.(feature, () => `…${text.slice(Math.max(at, start), place + 1)}`);
      }
    }
  };

  const heads = weights?.length ?? 0;
  const value = (start: number, end: number): WordValue => {
    const [first, before] = [used, weight];
    room();
    if (end - start > 2) grams(start, end);
    const sums = new Float64Array(heads);
    for (let head = 0; head < heads; head++) {
      let sum = 0;
      for (let at = first; at < used; at++) sum += weights![head]![features[at]!]!;
      sums[head] = sum * regions.chars.value;
    }
    const worth = { sums, mass: weight - before };
    used = first;
    weight = before;
    return worth;
  };
  const words = createWords(lexicon, maxTokens, heads, weights === undefined ? undefined : value);
  const { concepts } = words;

  const word = (at: number): string => text.slice(from[at], to[at]);

  const wordGrams = (tokens: number): void => {
    for (let at = 0; at < tokens; at++) {
      const one = hashes[at]!;
      let feature = add(regions.words, one);
      naming?.(feature, () => word(at));
      if (at + 1 < tokens) {
        feature = add(regions.words, mix(one, hashes[at + 1]!, 1));
        naming?.(feature, () => `${word(at)} ${word(at + 1)}`);
      }
      if (at + 2 < tokens) {
        feature = add(regions.words, mix(mix(one, hashes[at + 1]!, 2), hashes[at + 2]!, 2));
        naming?.(feature, () => `${word(at)} ${word(at + 1)} ${word(at + 2)}`);
        feature = add(regions.words, mix(one, hashes[at + 2]!, 3));
        naming?.(feature, () => `${word(at)} … ${word(at + 2)}`);
      }
    }
    const feature = add(regions.form, mix(hashes[0]!, tokens > 1 ? hashes[1]! : 0, 7));
    naming?.(feature, () => `^${word(0)} ${tokens > 1 ? word(1) : ''}`);
  };

  const conceptGrams = (tokens: number): void => {
    const name = (number: number): string => lexicon.concepts[number - 1]!.toUpperCase();
    for (let at = 0; at < tokens; at++) {
      const one = concepts[at]!;
      if (one === 0) continue;
      let feature = add(regions.concepts, one);
      naming?.(feature, () => name(one));
      let second = 0;
      let met = 0;
      for (let next = at + 1; next < tokens && next - at <= 9 && met < 4; next++) {
        const other = concepts[next]!;
        if (other === 0) continue;
        met++;
        const far = next - at > 3 ? 1 : 0;
        feature = add(regions.concepts, mix(one, other, 11 + far));
        naming?.(feature, () => `${name(one)}${far ? ' … ' : ' '}${name(other)}`);
        if (met >= 2 && met <= 3) {
          feature = add(regions.concepts, mix(mix(one, second, 13), other, 13));
          naming?.(feature, () => `${name(one)} ${name(second)} ${name(other)}`);
        }
        if (met === 1) second = other;
      }
    }
  };

  const patternFeatures = (tokens: number): void => {
    matcher.open();
    for (let at = 0; at < tokens; at++) matcher.word(words.sets, at * setInts);
    for (let at = 0; at < matcher.count(); at++) {
      const rule = matcher.met[at]!;
      const feature = regions.patterns.base + rule;
      features[used++] = feature;
      weight += regions.patterns.value * regions.patterns.value;
      naming?.(feature, () => `[${lexicon.patterns.rules[rule]!.id}]`);
    }
  };

  const addChars = (tokens: number): void => {
    for (let head = 0; head < heads; head++) {
      let sum = 0;
      for (let at = 0; at < tokens; at++) sum += words.sums[at * heads + head]!;
      chars[head]![count] = sum;
    }
    for (let at = 0; at < tokens; at++) weight += words.mass[at]!;
  };

  const closeSegment = (tokens: number, mark: number): void => {
    if (tokens === 0) return;
    room();
    starts[count] = from[0]!;
    weight = 0;
    if (weights === undefined) {
      for (let at = 0; at < tokens; at++) if (to[at]! - from[at]! > 2) grams(from[at]!, to[at]!);
    } else addChars(tokens);
    wordGrams(tokens);
    conceptGrams(tokens);
    patternFeatures(tokens);
    if (mark !== 0) {
      const feature = add(regions.form, mark * 31 + 5);
      naming?.(feature, () => `ends with ${String.fromCharCode(mark)}`);
    }
    ends[count] = used;
    mass[count] = weight;
    count++;
  };

  return {
    extract(given) {
      text = given;
      used = 0;
      count = 0;
      let tokens = 0;
      let at = 0;
      matcher.begin();
      while (at < text.length) {
        const code = text.charCodeAt(at);
        const start = at;
        let hash = seed;
        if (isWord(code)) {
          while (at < text.length && isWord(text.charCodeAt(at)))
            hash = Math.imul(hash ^ text.charCodeAt(at++), 0x01000193) ^ (hash >>> 11);
        } else {
          at++;
          if (code === 32 || code === 39) continue;
          hash = Math.imul(code ^ seed, 0x9e3779b1);
        }
        const sentence = !isWord(code) && endsSegment(code, text.charCodeAt(at));
        if (code !== 10) {
          hashes[tokens] = hash;
          from[tokens] = start;
          to[tokens] = at;
          words.read(text, start, at, hash, tokens);
          tokens++;
        }
        if (sentence || tokens === maxTokens) {
          // A line's end is no feature: the last line has none.
          closeSegment(tokens, sentence && code !== 10 ? code : 0);
          tokens = 0;
        }
      }
      closeSegment(tokens, 0);
      return { count, ends, features, mass, starts, ...(weights === undefined ? {} : { chars }) };
    },
  };
}

function grown<T extends Int32Array | Float64Array>(old: T, next: T): T {
  next.set(old);
  return next;
}

function mix(a: number, b: number, salt: number): number {
  const mixed = Math.imul(a ^ (a >>> 16), 0x85ebca6b) ^ Math.imul(b + salt, 0xc2b2ae35);
  return Math.imul(mixed ^ (mixed >>> 13), 0x27d4eb2f);
}

/** Characters up to U+02FF that words are made of; above, all are. */
const wordCodes = Uint8Array.from({ length: 0x300 }, (_, code) =>
  (code >= 97 && code <= 122) || (code >= 48 && code <= 57) || code === 95 || (code >= 0xc0 && code <= 0x24f) ? 1 : 0,
);

function isWord(code: number): boolean {
  return code >= 0x300 || wordCodes[code] === 1;
}

/** A new line, a cell, a tag, a closing mark before a space. */
function endsSegment(code: number, next: number): boolean {
  if (code === 10 || code === 9 || code === 124) return true;
  if (code === 46 || code === 33 || code === 63 || code === 59 || code === 0x2026)
    return Number.isNaN(next) || next === 32 || next === 10 || next === 34 || next === 0xbb;
  return false;
}
