// What is known of a word by itself, remembered by its letters: most words of a text were seen a moment ago.
import { type Lexicon, setInts } from './lexicon.ts';

export interface Words {
  /** Reads a word into the place of a token and tells the entry that holds what its letters are worth. */
  read(text: string, start: number, end: number, hash: number, token: number): number;
  /** By token. */
  concepts: Uint8Array;
  /** By token, as many integers as a set has. */
  sets: Int32Array;
}

export const slots = 1 << 13;
/** Longer words are rare and are looked at anew each time. */
const longest = 20;

/** `learn` is told of each word that is put into an entry; the last entry is for what is not remembered. Two words never share an entry: letters are compared. */
export function createWords(
  lexicon: Lexicon,
  tokens: number,
  learn: (entry: number, start: number, end: number) => void,
): Words {
  const letters = new Uint16Array(slots * longest);
  const lengths = new Uint8Array(slots);
  const concepts = new Uint8Array(slots + 1);
  const sets = new Int32Array((slots + 1) * setInts);
  const toConcepts = new Uint8Array(tokens);
  const toSets = new Int32Array(tokens * setInts);

  function entryOf(text: string, start: number, end: number, hash: number): number {
    const length = end - start;
    const entry = length > longest ? slots : (hash ^ (hash >>> 15)) & (slots - 1);
    if (entry < slots) {
      const first = entry * longest;
      if (lengths[entry] === length) {
        let at = 0;
        while (at < length && letters[first + at] === text.charCodeAt(start + at)) at++;
        if (at === length) return entry;
      }
      lengths[entry] = length;
      for (let at = 0; at < length; at++) letters[first + at] = text.charCodeAt(start + at);
    }
    concepts[entry] = lexicon.lookUp(text, start, end, sets, entry * setInts);
    learn(entry, start, end);
    return entry;
  }
  return {
    concepts: toConcepts,
    sets: toSets,
    read(text, start, end, hash, token) {
      const entry = entryOf(text, start, end, hash);
      toConcepts[token] = concepts[entry]!;
      for (let set = 0; set < setInts; set++) toSets[token * setInts + set] = sets[entry * setInts + set]!;
      return entry;
    },
  };
}
