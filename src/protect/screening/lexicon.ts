// Words by meaning, read from rules/screening/lexicon.yaml and looked up by the hash of a word's beginning.
import { parse } from 'yaml';
import { z } from 'zod';
import { type Patterns, readPatterns, ruleSchema } from './patterns.ts';

const lexiconSchema = z.strictObject({
  concepts: z.record(z.string(), z.string()),
  words: z.record(z.string(), z.string()),
  patterns: z.array(ruleSchema),
});

/** Integers that hold one bit per set of words. */
export const setInts = 4;

export interface Lexicon {
  /** Names of the concepts; a concept's number is its place + 1. */
  concepts: readonly string[];
  patterns: Patterns;
  /** The number of a word's concept, 0 when it has none; the sets that name it become bits of `sets` from `at` on. */
  lookUp(text: string, start: number, end: number, sets: Int32Array, at: number): number;
}

const slots = 1 << 15;

export function readLexicon(yaml: string): Lexicon {
  const parsed = lexiconSchema.parse(parse(yaml));
  const concepts = Object.keys(parsed.concepts);
  const sets = new Map(Object.entries(parsed.words));
  // A word in quotes is a set of its own.
  for (const { says } of parsed.patterns)
    for (const [literal, word = ''] of says.matchAll(/'([^\s'|]+)'/g)) sets.set(literal, word);
  const names = [...sets.keys()];
  if (names.length > setInts * 32) throw new RangeError(`More than ${setInts * 32} sets of words`);
  const keys = new Int32Array(slots);
  const used = new Uint8Array(slots);
  const values = new Uint8Array(slots);
  const bits = new Int32Array(slots * setInts);
  const find = (hash: number): number => {
    let at = hash & (slots - 1);
    while (used[at] !== 0 && keys[at] !== hash) at = (at + 1) & (slots - 1);
    return at;
  };
  const put = (word: string): number => {
    const at = find(hashOf(word));
    keys[at] = hashOf(word);
    used[at] = 1;
    return at;
  };
  for (const [at, name] of concepts.entries())
    for (const word of wordsOf(parsed.concepts[name]!)) values[put(word)] = at + 1;
  for (const [set, name] of names.entries())
    for (const word of wordsOf(sets.get(name)!)) bits[put(word) * setInts + (set >> 5)]! |= 1 << (set & 31);
  return {
    concepts,
    patterns: readPatterns(parsed.patterns, names),
    lookUp(text, start, end, sets, into) {
      let hash = seed;
      let found = 0;
      for (let set = 0; set < setInts; set++) sets[into + set] = 0;
      for (let at = start; at < end; at++) {
        hash = step(hash, text.charCodeAt(at));
        if (at - start < 1) continue;
        const prefix = find(step(hash, star));
        if (used[prefix] === 0) continue;
        if (values[prefix] !== 0) found = values[prefix]!;
        for (let set = 0; set < setInts; set++) sets[into + set]! |= bits[prefix * setInts + set]!;
      }
      const whole = find(hash);
      if (used[whole] === 0) return found;
      for (let set = 0; set < setInts; set++) sets[into + set]! |= bits[whole * setInts + set]!;
      return values[whole] || found;
    },
  };
}

function wordsOf(list: string): string[] {
  return list.split(/\s+/).filter((word) => word !== '');
}

const seed = 0x811c9dc5 | 0;
const star = 42;

function step(hash: number, code: number): number {
  const mixed = Math.imul(hash ^ code, 0x01000193);
  return mixed ^ (mixed >>> 15);
}

function hashOf(word: string): number {
  let hash = seed;
  for (let at = 0; at < word.length; at++) hash = step(hash, word.charCodeAt(at));
  return hash;
}
