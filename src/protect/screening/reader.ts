// Reads a text: cuts it into words and segments (a sentence, a cell, a line) and hands their features to a sink.
import { endsSegment, isWord, quotes } from './cutting.ts';
import { place, type Region, regions, type Sink, type TwoWeights, type WordValue } from './features.ts';
import { createGrams, letterGrams, mostGrams } from './grams.ts';
import { type Lexicon, setInts } from './lexicon.ts';
import { createMatcher } from './patterns.ts';
import { createWords, slots } from './words.ts';

/** Longer sentences are cut. */
export const maxTokens = 40;
const seed = 0x2545f491;

/** Listens to what the features stand for; only `explain` and tests pay for it. */
export type Naming = (feature: number, name: () => string) => void;

export interface ReaderParts {
  lexicon: Lexicon;
  sink: Sink;
  naming?: Naming;
  /** With weights, the character n-grams of a word are added up once and remembered; `false` leaves them out. */
  letters?: TwoWeights | false;
}

export interface Reader {
  /** How many segments there were; the sink holds the rest. */
  read(text: string): number;
  /** Places of the segments in the text, valid until the next call. */
  starts(): Int32Array;
}

export function createReader({ lexicon, sink, naming, letters }: ReaderParts): Reader {
  let starts = new Int32Array(1 << 8);
  let count = 0;
  let text = '';
  const hashes = new Int32Array(maxTokens);
  const from = new Int32Array(maxTokens);
  const to = new Int32Array(maxTokens);
  const quoted = new Uint8Array(maxTokens);
  const gramList = new Int32Array(mostGrams);
  const charMass = regions.chars.value ** 2;
  // What the letters of a word are worth: by entry of what is remembered, and by token.
  const [known, here] = [slots + 1, maxTokens].map((size) => ({
    whole: new Float64Array(size),
    run: new Float64Array(size),
    mass: new Float64Array(size),
  })) as [Worths, Worths];
  const worth: WordValue = { whole: 0, run: 0, mass: 0 };

  const learn = (entry: number, start: number, end: number): void => {
    if (letters === undefined || letters === false) return;
    const grams = letterGrams(text, start, end, gramList);
    let [whole, run] = [0, 0];
    for (let at = 0; at < grams; at++) {
      whole += letters.whole[gramList[at]!]!;
      run += letters.run[gramList[at]!]!;
    }
    known.whole[entry] = whole * regions.chars.value;
    known.run[entry] = run * regions.chars.value;
    known.mass[entry] = grams * charMass;
  };
  const words = createWords(lexicon, maxTokens, learn);
  const matcher = createMatcher(lexicon.patterns, setInts);

  const add = (region: Region, hash: number, name?: () => string): boolean => {
    const feature = place(region, hash);
    if (name !== undefined) naming?.(feature, name);
    return sink.add(feature, region.value);
  };
  const view = { hashes, from, to, quoted, concepts: words.concepts };
  const grams = createGrams({ lexicon, view, add, named: naming !== undefined, textOf: (a, b) => text.slice(a, b) });

  const takeLetters = (token: number, fresh: boolean): void => {
    if (letters === false) return;
    let amount = 0;
    if (letters === undefined) {
      amount = letterGrams(text, from[token]!, to[token]!, gramList);
      worth.mass = amount * charMass;
      if (fresh && naming !== undefined)
        for (let at = 0; at < amount; at++) naming(gramList[at]!, () => `…${text.slice(from[token], to[token])}`);
    } else {
      worth.whole = here.whole[token]!;
      worth.run = here.run[token]!;
      worth.mass = here.mass[token]!;
    }
    sink.chars(gramList, amount, worth, fresh);
  };

  const patternFeatures = (tokens: number): void => {
    matcher.open();
    for (let at = 0; at < tokens; at++) matcher.word(words.sets, at * setInts);
    for (let at = 0; at < matcher.count(); at++) {
      const rule = matcher.met[at]!;
      // The rules themselves have places of their own, what is told of them shares the rest of the region.
      const feature = regions.patterns.base + rule;
      const name = naming === undefined ? '' : `[${lexicon.patterns.rules[rule]!.id}]`;
      naming?.(feature, () => name);
      sink.add(feature, regions.patterns.value);
      grams.pattern(rule, name, quoted[tokens - 1] === 1);
    }
  };

  const closeSegment = (tokens: number, mark: number): void => {
    if (tokens === 0) return;
    if (count >= starts.length) starts = Int32Array.from({ length: count * 2 }, (_, at) => starts[at] ?? 0);
    starts[count] = from[0]!;
    grams.begin(tokens, count === 0, text.charCodeAt(to[tokens - 1]! - 1) === 63);
    for (let token = 0; token < tokens; token++) takeLetters(token, grams.word(token, tokens));
    grams.beginnings(tokens);
    grams.meanings(tokens);
    patternFeatures(tokens);
    if (mark !== 0) grams.mark(mark);
    sink.closeSegment();
    count++;
  };

  const takeWord = (start: number, end: number, hash: number, token: number, quote: boolean): void => {
    quoted[token] = quote ? 1 : 0;
    hashes[token] = hash;
    from[token] = start;
    to[token] = end;
    const entry = words.read(text, start, end, hash, token);
    here.whole[token] = known.whole[entry]!;
    here.run[token] = known.run[entry]!;
    here.mass[token] = known.mass[entry]!;
  };

  return {
    starts: () => starts,
    read(given) {
      text = given;
      count = 0;
      sink.open();
      matcher.begin();
      let tokens = 0;
      let at = 0;
      let quote = false;
      while (at < text.length) {
        const code = text.charCodeAt(at);
        const start = at;
        const inWord = isWord(code);
        let hash = seed;
        if (inWord) {
          while (at < text.length && isWord(text.charCodeAt(at)))
            hash = Math.imul(hash ^ text.charCodeAt(at++), 0x01000193) ^ (hash >>> 11);
        } else {
          at++;
          if (code === 32 || code === 39) continue;
          hash = Math.imul(code ^ seed, 0x9e3779b1);
          quote = quotes(code, text.charCodeAt(at), quote);
        }
        const sentence = !inWord && endsSegment(code, text.charCodeAt(at));
        if (code !== 10) takeWord(start, at, hash, tokens++, quote);
        if (sentence || tokens === maxTokens) {
          // A line's end is no feature: the last line has none.
          closeSegment(tokens, sentence && code !== 10 ? code : 0);
          tokens = 0;
        }
      }
      closeSegment(tokens, 0);
      return count;
    },
  };
}

interface Worths {
  whole: Float64Array;
  run: Float64Array;
  mass: Float64Array;
}
