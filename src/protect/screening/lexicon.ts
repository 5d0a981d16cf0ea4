// Words by meaning, read from rules/screening/lexicon.yaml and looked up by the hash of a word's beginning.
import { parse } from 'yaml';
import { z } from 'zod';

const lexiconSchema = z.strictObject({
  concepts: z.record(z.string(), z.string()),
});

export interface Lexicon {
  /** Names of the concepts; a concept's number is its place + 1. */
  concepts: readonly string[];
  /** The number of a word's concept, 0 when it has none. */
  lookUp(text: string, start: number, end: number): number;
}

const slots = 1 << 14;

export function readLexicon(yaml: string): Lexicon {
  const parsed = lexiconSchema.parse(parse(yaml));
  const concepts = Object.keys(parsed.concepts);
  const keys = new Int32Array(slots);
  const values = new Uint8Array(slots);
  const put = (hash: number, concept: number): void => {
    let at = hash & (slots - 1);
    while (values[at] !== 0 && keys[at] !== hash) at = (at + 1) & (slots - 1);
    keys[at] = hash;
    values[at] = concept;
  };
  const words = concepts.flatMap((name, at) =>
    parsed.concepts[name]!.split(/\s+/).map((word) => ({ word, concept: at + 1 })),
  );
  for (const { word, concept } of words) put(hashOf(word), concept);
  const find = (hash: number): number => {
    let at = hash & (slots - 1);
    while (values[at] !== 0) {
      if (keys[at] === hash) return values[at]!;
      at = (at + 1) & (slots - 1);
    }
    return 0;
  };
  return {
    concepts,
    lookUp(text, start, end) {
      let hash = seed;
      let found = 0;
      for (let at = start; at < end; at++) {
        hash = step(hash, text.charCodeAt(at));
        if (at - start < 1) continue;
        const prefix = find(step(hash, star));
        if (prefix !== 0) found = prefix;
      }
      return find(hash) || found;
    },
  };
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
