// Training of the second reader: Adam for what all words share, AdaGrad for the rows of single words; seeded, so that the same input gives the same weights.
import {
  beginning,
  type Dense,
  denseLengths,
  ending,
  rowsOf,
  type SecondWeights,
  shape,
  tableLength,
  tokensOf,
  vectorDims,
  vectorStep,
} from '../second.ts';
import type { Vectors } from '../vectors.ts';
import { generator, shuffle } from './random.ts';

const { dims, taps, filters, hidden } = shape;
const course = {
  epochs: 5,
  rate: 4e-3,
  rowRate: 0.05,
  batch: 16,
  /** Share of words, filters and hidden units that a text is read without. */
  words: 0.12,
  filters: 0.4,
  hidden: 0.2,
  /** Labels are not taken for quite certain. */
  doubt: 0.02,
} as const;
const longest = beginning + ending;

export interface Lesson {
  /** The texts as they are read: the plain one and what was decoded from it. */
  text: string;
  tool: boolean;
  attack: boolean;
}
interface Word {
  rows: readonly number[];
  vector: number;
}

export function trainSecond(lessons: readonly Lesson[], vectors: Vectors): SecondWeights {
  const random = generator(77);
  const weights = begin(random);
  const net = createNet(weights, vectors, random);
  const words = new Map<string, Word>();
  const wordOf = (name: string): Word => {
    const known = words.get(name);
    if (known !== undefined) return known;
    const word = { rows: rowsOf(name), vector: vectors.find(name) };
    words.set(name, word);
    return word;
  };
  const chosen = lessons.map((lesson) => ({
    ...lesson,
    words: wordsOf(lesson.text).map(wordOf),
  }));
  for (let epoch = 0; epoch < course.epochs; epoch++) {
    shuffle(chosen, random);
    const left = 1 - epoch / course.epochs;
    for (const [at, { words, tool, attack }] of chosen.entries()) {
      net.learn(words, tool, attack ? 1 - course.doubt : course.doubt, course.rowRate * left);
      if (at % course.batch === course.batch - 1) net.step(course.rate * left);
    }
  }
  return weights;
}

/** Eight bits for each number of the table; the largest is 127 steps. */
export function rounded({ table, dense }: SecondWeights): SecondWeights {
  const sizes = Float32Array.from(table, Math.abs).sort();
  const scale = Math.fround((sizes[Math.floor(sizes.length * 0.9999)] ?? 1) / 127);
  return {
    table: Int8Array.from(table, (one) => Math.max(-127, Math.min(127, Math.round(one / scale)))),
    scale,
    dense,
  };
}

function wordsOf(text: string): string[] {
  const places = tokensOf(text);
  return Array.from({ length: places.length / 2 }, (_, at) => text.slice(places[2 * at], places[2 * at + 1]));
}

function begin(random: () => number): SecondWeights {
  const even = (length: number, size: number): Float32Array =>
    Float32Array.from({ length }, () => (random() * 2 - 1) * size);
  return {
    table: even(tableLength, 0.5),
    scale: 1,
    dense: {
      lift: even(denseLengths.lift, 1 / Math.sqrt(vectorDims)),
      known: new Float32Array(denseLengths.known),
      taps: even(denseLengths.taps, 1 / Math.sqrt(taps * dims)),
      tapBias: new Float32Array(denseLengths.tapBias),
      layer: even(denseLengths.layer, 1 / Math.sqrt(filters + dims)),
      layerBias: new Float32Array(denseLengths.layerBias),
      tool: new Float32Array(denseLengths.tool),
      out: even(denseLengths.out, 1 / Math.sqrt(hidden)),
      outBias: new Float32Array(denseLengths.outBias),
    },
  };
}

interface Net {
  /** Adds a text's slopes up and moves the rows of its words. */
  learn(words: readonly Word[], tool: boolean, wanted: number, rowRate: number): void;
  /** Moves all else by what was added up. */
  step(rate: number): void;
}

function createNet({ table, dense }: SecondWeights, vectors: Vectors, random: () => number): Net {
  const names = Object.keys(dense) as (keyof Dense)[];
  const like = (): Dense =>
    Object.fromEntries(names.map((name) => [name, new Float32Array(dense[name].length)])) as unknown as Dense;
  const [slopes, first, second] = [like(), like(), like()];
  const rowSquares = new Float32Array(table.length).fill(1e-4);
  const numbers = new Float32Array(longest * dims);
  const back = new Float32Array(longest * dims);
  const kept = new Uint8Array(longest);
  const moved = new Uint8Array(longest);
  const sums = new Float32Array(filters);
  const best = new Float32Array(filters);
  const where = new Int32Array(filters);
  const joined = new Float32Array(filters + dims);
  const joinedBack = new Float32Array(filters + dims);
  const units = new Float32Array(hidden);
  const alive = new Float32Array(filters);
  let steps = 0;

  const embedAll = (words: readonly Word[]): void => {
    for (const [t, { rows, vector }] of words.entries()) {
      const at = t * dims;
      numbers.fill(0, at, at + dims);
      kept[t] = random() < course.words ? 0 : 1;
      if (kept[t] === 0) continue;
      for (const row of rows)
        for (let d = 0; d < dims; d++) numbers[at + d] = numbers[at + d]! + table[row * dims + d]!;
      const share = 1 / rows.length;
      for (let d = 0; d < dims; d++) numbers[at + d] = numbers[at + d]! * share;
      if (vector === -1) continue;
      for (let d = 0; d < dims; d++) numbers[at + d] = numbers[at + d]! + dense.known[d]!;
      for (let v = 0; v < vectorDims; v++) {
        const value = vectors.values[vector + v]! * vectorStep;
        for (let d = 0; d < dims; d++) numbers[at + d] = numbers[at + d]! + value * dense.lift[v * dims + d]!;
      }
    }
  };

  const convolve = (count: number): void => {
    best.fill(0);
    where.fill(-1);
    joined.fill(0);
    for (let t = 0; t < count; t++) {
      sums.set(dense.tapBias);
      for (let tap = 0; tap < taps; tap++) {
        const word = t + tap - 1;
        if (word < 0 || word >= count || kept[word] === 0) continue;
        for (let d = 0; d < dims; d++) {
          const value = numbers[word * dims + d]!;
          const from = (tap * dims + d) * filters;
          for (let f = 0; f < filters; f++) sums[f] = sums[f]! + value * dense.taps[from + f]!;
        }
      }
      for (let f = 0; f < filters; f++)
        if (sums[f]! > best[f]!) {
          best[f] = sums[f]!;
          where[f] = t;
        }
      for (let d = 0; d < dims; d++) joined[filters + d] = joined[filters + d]! + numbers[t * dims + d]!;
    }
    for (let f = 0; f < filters; f++) {
      alive[f] = random() < course.filters ? 0 : 1 / (1 - course.filters);
      joined[f] = best[f]! * alive[f]!;
    }
    for (let d = 0; d < dims; d++) joined[filters + d] = joined[filters + d]! / (count + 3);
  };

  /** The logit; `units` holds what each hidden unit gave. */
  const conclude = (tool: boolean): number => {
    let logit = dense.outBias[0]!;
    for (let h = 0; h < hidden; h++) {
      let sum = dense.layerBias[h]! + (tool ? dense.tool[h]! : 0);
      for (let at = 0; at < filters + dims; at++) sum += joined[at]! * dense.layer[at * hidden + h]!;
      units[h] = sum > 0 && random() >= course.hidden ? sum / (1 - course.hidden) : 0;
      logit += units[h]! * dense.out[h]!;
    }
    return logit;
  };

  const backToJoined = (slope: number, tool: boolean): void => {
    joinedBack.fill(0);
    slopes.outBias[0] = slopes.outBias[0]! + slope;
    for (let h = 0; h < hidden; h++) {
      if (units[h] === 0) continue;
      slopes.out[h] = slopes.out[h]! + slope * units[h]!;
      const unit = (slope * dense.out[h]!) / (1 - course.hidden);
      slopes.layerBias[h] = slopes.layerBias[h]! + unit;
      if (tool) slopes.tool[h] = slopes.tool[h]! + unit;
      for (let at = 0; at < filters + dims; at++) {
        slopes.layer[at * hidden + h] = slopes.layer[at * hidden + h]! + unit * joined[at]!;
        joinedBack[at] = joinedBack[at]! + unit * dense.layer[at * hidden + h]!;
      }
    }
  };

  const backToWords = (count: number): void => {
    back.fill(0, 0, count * dims);
    moved.fill(0, 0, count);
    for (let f = 0; f < filters; f++) {
      const slope = joinedBack[f]! * alive[f]!;
      if (where[f] === -1 || slope === 0) continue;
      slopes.tapBias[f] = slopes.tapBias[f]! + slope;
      for (let tap = 0; tap < taps; tap++) {
        const word = where[f]! + tap - 1;
        if (word < 0 || word >= count || kept[word] === 0) continue;
        moved[word] = 1;
        for (let d = 0; d < dims; d++) {
          const at = (tap * dims + d) * filters + f;
          slopes.taps[at] = slopes.taps[at]! + slope * numbers[word * dims + d]!;
          back[word * dims + d] = back[word * dims + d]! + slope * dense.taps[at]!;
        }
      }
    }
  };

  const moveWords = (words: readonly Word[], rowRate: number): void => {
    for (const [t, { rows, vector }] of words.entries()) {
      if (kept[t] === 0 || moved[t] === 0) continue;
      const at = t * dims;
      if (vector !== -1) {
        for (let d = 0; d < dims; d++) slopes.known[d] = slopes.known[d]! + back[at + d]!;
        for (let v = 0; v < vectorDims; v++) {
          const value = vectors.values[vector + v]! * vectorStep;
          for (let d = 0; d < dims; d++) slopes.lift[v * dims + d] = slopes.lift[v * dims + d]! + value * back[at + d]!;
        }
      }
      for (const row of rows)
        for (let d = 0; d < dims; d++) {
          const slope = back[at + d]! / rows.length;
          const place = row * dims + d;
          rowSquares[place] = rowSquares[place]! + slope * slope;
          table[place] = table[place]! - (rowRate * slope) / Math.sqrt(rowSquares[place]!);
        }
    }
  };

  return {
    learn(words, tool, wanted, rowRate) {
      embedAll(words);
      convolve(words.length);
      const logit = conclude(tool);
      const probability = 1 / (1 + Math.exp(-logit));
      backToJoined(probability - wanted, tool);
      backToWords(words.length);
      moveWords(words, rowRate);
    },
    step(rate) {
      steps++;
      const [rest, restSquared] = [1 - 0.9 ** Math.min(steps, 1000), 1 - 0.999 ** Math.min(steps, 10_000)];
      for (const name of names) {
        const [weights, slope, one, two] = [dense[name], slopes[name], first[name], second[name]];
        for (let at = 0; at < weights.length; at++) {
          const now = slope[at]! / course.batch;
          one[at] = 0.9 * one[at]! + 0.1 * now;
          two[at] = 0.999 * two[at]! + 0.001 * now * now;
          weights[at] = weights[at]! - (rate * (one[at]! / rest)) / (Math.sqrt(two[at]! / restSquared) + 1e-8);
        }
        slope.fill(0);
      }
    },
  };
}
