// What is known of a word by itself, remembered by its letters: most words of a text were seen a moment ago.
import { type Lexicon, setInts } from './lexicon.ts';

/** What the character n-grams of a word are worth. */
export interface WordValue {
  /** Per verdict head. */
  sums: Float64Array;
  mass: number;
}

export interface Words {
  /** Reads a word into the place of a token. */
  read(text: string, start: number, end: number, hash: number, token: number): void;
  /** By token. */
  concepts: Uint8Array;
  /** By token, as many integers as a set has. */
  sets: Int32Array;
  /** By token, as many sums as there are heads. */
  sums: Float64Array;
  mass: Float64Array;
}

const slots = 1 << 13;
/** Longer words are rare and are looked at anew each time. */
const longest = 20;

/** `value` tells the worth of a word; left out where nobody asks for it. Two words never share an entry: letters are compared. */
export function createWords(
  lexicon: Lexicon,
  tokens: number,
  heads: number,
  value?: (start: number, end: number) => WordValue,
): Words {
  const letters = new Uint16Array(slots * longest);
  const lengths = new Uint8Array(slots);
  // One slot more, for what is not remembered.
  const concepts = new Uint8Array(slots + 1);
  const sets = new Int32Array((slots + 1) * setInts);
  const sums = new Float64Array((slots + 1) * heads);
  const mass = new Float64Array(slots + 1);
  const read = {
    concepts: new Uint8Array(tokens),
    sets: new Int32Array(tokens * setInts),
    sums: new Float64Array(tokens * heads),
    mass: new Float64Array(tokens),
  };
  const { concepts: toConcepts, sets: toSets, sums: toSums, mass: toMass } = read;

  function slotOf(text: string, start: number, end: number, hash: number): number {
    const length = end - start;
    if (length > longest) return learn(text, start, end, slots);
    const slot = (hash ^ (hash >>> 15)) & (slots - 1);
    const first = slot * longest;
    if (lengths[slot] === length) {
      let at = 0;
      while (at < length && letters[first + at] === text.charCodeAt(start + at)) at++;
      if (at === length) return slot;
    }
    lengths[slot] = length;
    for (let at = 0; at < length; at++) letters[first + at] = text.charCodeAt(start + at);
    return learn(text, start, end, slot);
  }

  function learn(text: string, start: number, end: number, slot: number): number {
    concepts[slot] = lexicon.lookUp(text, start, end, sets, slot * setInts);
    if (value === undefined) return slot;
    const worth = value(start, end);
    sums.set(worth.sums, slot * heads);
    mass[slot] = worth.mass;
    return slot;
  }
  return {
    ...read,
    read(text, start, end, hash, token) {
      const slot = slotOf(text, start, end, hash);
      toConcepts[token] = concepts[slot]!;
      for (let set = 0; set < setInts; set++) toSets[token * setInts + set] = sets[slot * setInts + set]!;
      for (let head = 0; head < heads; head++) toSums[token * heads + head] = sums[slot * heads + head]!;
      toMass[token] = mass[slot]!;
    },
  };
}
