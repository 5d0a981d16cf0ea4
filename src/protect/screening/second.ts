// The second reader: a small convolution over word vectors, asked where the first is in doubt.
import { isWord } from './cutting.ts';
import type { Vectors } from './vectors.ts';

/** Of a word: rows of the table for its letters, so many numbers each. Of a text: filters over three words, and what they come to. */
export const shape = { words: 1 << 14, grams: 1 << 14, dims: 32, taps: 3, filters: 56, hidden: 32 } as const;
const { dims, taps, filters, hidden } = shape;
export const tableLength = (shape.words + shape.grams) * dims;

/** Dimensions of a word's vector. */
export const vectorDims = 40;
/** Lengths of what is held beside the table, in the order of the file. */
export const denseLengths: Readonly<Record<keyof Dense, number>> = {
  lift: vectorDims * dims,
  known: dims,
  taps: taps * dims * filters,
  tapBias: filters,
  layer: (filters + dims) * hidden,
  layerBias: hidden,
  tool: hidden,
  out: hidden,
  outBias: 1,
};
export interface Dense {
  /** From a word's vector to the numbers of a word. */
  lift: Float32Array;
  /** Added where the word has a vector. */
  known: Float32Array;
  taps: Float32Array;
  tapBias: Float32Array;
  layer: Float32Array;
  layerBias: Float32Array;
  tool: Float32Array;
  out: Float32Array;
  outBias: Float32Array;
}
export interface SecondWeights {
  table: Float32Array | Int8Array;
  /** What a step of the table is worth. */
  scale: number;
  dense: Dense;
}

/** Of a longer text, the beginning and the end. */
export const beginning = 256;
export const ending = 64;
/** Vectors are kept in steps of this. */
export const vectorStep = 1 / 32;
const seed = 0x2545f491;

/** Places of the words and signs of a text, at most `beginning` + `ending` of them: from, to, from, to … */
export function tokensOf(text: string): Int32Array {
  const places = new Int32Array(2 * (beginning + ending));
  let count = 0;
  let at = 0;
  while (at < text.length && count < 2 * beginning) {
    const start = at;
    const inWord = isWord(text.charCodeAt(at++));
    while (inWord && at < text.length && isWord(text.charCodeAt(at))) at++;
    if (!inWord && shows(text.charCodeAt(start)) === false) continue;
    places[count++] = start;
    places[count++] = at;
  }
  // The end is read backwards, as far as there is room.
  let end = text.length;
  let last = places.length;
  while (end > at && last > count) {
    const to = end;
    const inWord = isWord(text.charCodeAt(--end));
    while (inWord && end > at && isWord(text.charCodeAt(end - 1))) end--;
    if (!inWord && shows(text.charCodeAt(end)) === false) continue;
    places[--last] = to;
    places[--last] = end;
  }
  places.copyWithin(count, last);
  return places.subarray(0, count + places.length - last);
}

function shows(code: number): boolean {
  return code !== 32 && code !== 39 && code !== 10;
}

/** Rows of the table for a word: itself, counted twice, and its parts of four letters. */
export function rowsOf(word: string): number[] {
  const rows = [];
  let hash = seed;
  for (let at = 0; at < word.length; at++) hash = Math.imul(hash ^ word.charCodeAt(at), 0x01000193) ^ (hash >>> 11);
  const own = (Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> 4) & (shape.words - 1);
  rows.push(own, own);
  if (word.length < 3) return rows;
  const letters = ` ${word.slice(0, 20)} `;
  for (let from = 0; from + 4 <= letters.length; from++) {
    let gram = seed;
    for (let at = from; at < from + 4; at++)
      gram = Math.imul(gram ^ letters.charCodeAt(at), 0x01000193) ^ (gram >>> 13);
    rows.push(shape.words + ((Math.imul(gram ^ (gram >>> 15), 0x2c1b3c6d) >>> 4) & (shape.grams - 1)));
  }
  return rows;
}

/** The numbers of a word, added up from its rows and its vector. */
export function embed(
  word: string,
  { table, scale, dense }: SecondWeights,
  vectors: Vectors,
  into: Float32Array,
): void {
  into.fill(0);
  const rows = rowsOf(word);
  for (const row of rows) for (let d = 0; d < dims; d++) into[d] = into[d]! + table[row * dims + d]!;
  for (let d = 0; d < dims; d++) into[d] = (into[d]! * scale) / rows.length;
  const place = vectors.find(word);
  if (place === -1) return;
  for (let d = 0; d < dims; d++) into[d] = into[d]! + dense.known[d]!;
  for (let v = 0; v < vectorDims; v++) {
    const value = vectors.values[place + v]! * vectorStep;
    for (let d = 0; d < dims; d++) into[d] = into[d]! + value * dense.lift[v * dims + d]!;
  }
}

export interface Second {
  /** The logit of a text that is an attack; `tool` for what is no user's. */
  read(text: string, tool: boolean): number;
}

/** 13 MB: with a quarter of them a fifth of the time of attacks went into words that had been known. */
const slots = 1 << 14;
/** Longer words are looked at anew each time. */
const longest = 24;
/** What a word brings to each tap, and its numbers. */
const perWord = taps * filters + dims;

export function createSecond(weights: SecondWeights, vectors: Vectors): Second {
  const { dense } = weights;
  // Remembered by the letters of the word; the last slot is for what is not.
  const letters = new Uint16Array(slots * longest);
  const lengths = new Uint8Array(slots);
  const known = new Float32Array((slots + 1) * perWord);
  const numbers = new Float32Array(dims);
  const strongest = new Float32Array(filters);
  const mean = new Float32Array(dims);
  const sums = new Float32Array((beginning + ending + 2) * filters);

  const isKnown = (text: string, start: number, length: number, slot: number): boolean => {
    if (lengths[slot] !== length) return false;
    for (let at = 0; at < length; at++) if (letters[slot * longest + at] !== text.charCodeAt(start + at)) return false;
    return true;
  };
  const learn = (word: string, place: number): void => {
    embed(word, weights, vectors, numbers);
    known.fill(0, place, place + taps * filters);
    for (let tap = 0; tap < taps; tap++)
      for (let d = 0; d < dims; d++) {
        const value = numbers[d]!;
        const from = (tap * dims + d) * filters;
        const to = place + tap * filters;
        for (let f = 0; f < filters; f++) known[to + f] = known[to + f]! + value * dense.taps[from + f]!;
      }
    known.set(numbers, place + taps * filters);
  };
  const placeOf = (text: string, start: number, end: number): number => {
    const length = end - start;
    if (length > longest) {
      learn(text.slice(start, end), slots * perWord);
      return slots * perWord;
    }
    let hash = seed;
    for (let at = start; at < end; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193) ^ (hash >>> 11);
    const slot = (hash ^ (hash >>> 13)) & (slots - 1);
    if (isKnown(text, start, length, slot)) return slot * perWord;
    lengths[slot] = length;
    for (let at = 0; at < length; at++) letters[slot * longest + at] = text.charCodeAt(start + at);
    learn(text.slice(start, end), slot * perWord);
    return slot * perWord;
  };

  /** A word is the last of the window before its own, the middle of its own, the first of the next. */
  const take = (token: number, place: number): void => {
    for (let tap = 0; tap < taps; tap++) {
      const to = (token + 2 - tap) * filters;
      const from = place + tap * filters;
      for (let f = 0; f < filters; f++) sums[to + f] = sums[to + f]! + known[from + f]!;
    }
    const from = place + taps * filters;
    for (let d = 0; d < dims; d++) mean[d] = mean[d]! + known[from + d]!;
  };
  const strongestOf = (count: number): void => {
    strongest.fill(0);
    for (let t = 1; t <= count; t++)
      for (let f = 0; f < filters; f++) {
        const value = sums[t * filters + f]! + dense.tapBias[f]!;
        if (value > strongest[f]!) strongest[f] = value;
      }
    for (let d = 0; d < dims; d++) mean[d] = mean[d]! / (count + 3);
  };
  const conclude = (tool: boolean): number => {
    let logit = dense.outBias[0]!;
    for (let h = 0; h < hidden; h++) {
      let sum = dense.layerBias[h]! + (tool ? dense.tool[h]! : 0);
      for (let f = 0; f < filters; f++) sum += strongest[f]! * dense.layer[f * hidden + h]!;
      for (let d = 0; d < dims; d++) sum += mean[d]! * dense.layer[(filters + d) * hidden + h]!;
      if (sum > 0) logit += sum * dense.out[h]!;
    }
    return logit;
  };

  return {
    read(text, tool) {
      const places = tokensOf(text);
      const count = places.length / 2;
      sums.fill(0, 0, (count + 2) * filters);
      mean.fill(0);
      for (let t = 0; t < count; t++) take(t, placeOf(text, places[2 * t]!, places[2 * t + 1]!));
      strongestOf(count);
      return conclude(tool);
    },
  };
}
