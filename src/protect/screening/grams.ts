// Features of a segment: its words, how it begins, its meanings and in which frame they stand.
import { mix } from './cutting.ts';
import { place, type Region, regions } from './features.ts';
import type { Lexicon } from './lexicon.ts';

/** The words of a segment, token by token. */
export interface View {
  hashes: Int32Array;
  from: Int32Array;
  to: Int32Array;
  /** 1 between quotation marks. */
  quoted: Uint8Array;
  /** 0 for words that mean nothing in particular. */
  concepts: Uint8Array;
}

export interface GramsParts {
  lexicon: Lexicon;
  view: View;
  /** True when the text did not have the feature before. */
  add(region: Region, hash: number, name?: () => string): boolean;
  /** Whether anybody listens to names. */
  named: boolean;
  textOf(from: number, to: number): string;
}

export interface Grams {
  /** First of all: is the segment the text's first, and a question? */
  begin(tokens: number, first: boolean, asks: boolean): void;
  /** True when the text did not have the word before. */
  word(token: number, tokens: number): boolean;
  beginnings(tokens: number): void;
  meanings(tokens: number): void;
  pattern(rule: number, name: string, quote: boolean): void;
  mark(code: number): void;
}

export function createGrams({ lexicon, view, add, named, textOf }: GramsParts): Grams {
  const { hashes, from, to, quoted, concepts } = view;
  let first = false;
  let asked = 0;
  // What the text begins with tells what the rest is for: an order, a question about it, a text to translate.
  let opening = 0;
  let openingName = '';
  const name = (number: number): string => lexicon.concepts[number - 1]!.toUpperCase();
  const said = (a: number, b: number): string => textOf(from[a]!, to[b]!);
  const called = (make: () => string): (() => string) | undefined => (named ? make : undefined);

  const openWith = (tokens: number): void => {
    opening = asked + 1;
    if (named) openingName = asked ? 'ASKED' : 'TOLD';
    const end = Math.min(8, tokens);
    let at = 0;
    while (at < end && concepts[at] === 0) at++;
    if (at === end) return;
    opening = mix(opening, concepts[at]!, 19);
    if (named) openingName += ` ${name(concepts[at]!)}`;
  };

  const meaning = (one: number, quote: number): void => {
    add(regions.concepts, one, named ? () => name(one) : undefined);
    if (quote) add(regions.concepts, mix(one, 0, 77), named ? () => `QUOTED ${name(one)}` : undefined);
    if (asked) add(regions.concepts, mix(one, asked, 81), named ? () => `ASKED ${name(one)}` : undefined);
    const begun = openingName;
    add(regions.concepts, mix(one, opening, 84), named ? () => `${begun} THEN ${name(one)}` : undefined);
  };

  const pair = (one: number, other: number, far: number, quote: number): void => {
    const both = named ? () => `${name(one)}${far ? ' … ' : ' '}${name(other)}` : undefined;
    add(regions.concepts, mix(one, other, 11 + far), both);
    if (quote)
      add(regions.concepts, mix(one, other, 78), named ? () => `QUOTED ${name(one)} ${name(other)}` : undefined);
    if (asked)
      add(
        regions.concepts,
        mix(mix(one, other, 82), asked, 82),
        named ? () => `ASKED ${name(one)} ${name(other)}` : undefined,
      );
  };

  return {
    begin(tokens, isFirst, asks) {
      first = isFirst;
      asked = asks ? 1 : 0;
      if (first) openWith(tokens);
    },
    word(at, tokens) {
      const one = hashes[at]!;
      const fresh = add(regions.words, one, named ? () => said(at, at) : undefined);
      if (at + 1 < tokens) add(regions.words, mix(one, hashes[at + 1]!, 1), named ? () => said(at, at + 1) : undefined);
      if (at + 2 < tokens) {
        const three = mix(mix(one, hashes[at + 1]!, 2), hashes[at + 2]!, 2);
        add(regions.words, three, named ? () => said(at, at + 2) : undefined);
        const skip = mix(one, hashes[at + 2]!, 3);
        add(regions.words, skip, named ? () => `${said(at, at)} … ${said(at + 2, at + 2)}` : undefined);
      }
      return fresh;
    },
    beginnings(tokens) {
      add(
        regions.form,
        mix(hashes[0]!, tokens > 1 ? hashes[1]! : 0, 7),
        called(() => `^${said(0, Math.min(1, tokens - 1))}`),
      );
      for (let length = 1; length <= Math.min(4, tokens); length++) {
        let hash = length;
        for (let at = 0; at < length; at++) hash = mix(hash, hashes[at]!, 9);
        const mark = asked ? '?' : '';
        if (first) add(regions.form, mix(hash, asked, 10), named ? () => `^^${said(0, length - 1)}${mark}` : undefined);
        if (length === 3) add(regions.form, mix(hash, 0, 12), named ? () => `^${said(0, 2)}` : undefined);
      }
      let hash = 0;
      let met = 0;
      for (let at = 0; at < tokens && met < 3; at++) {
        if (concepts[at] === 0) continue;
        hash = mix(hash, concepts[at]!, 15);
        const begun = named ? [...concepts.slice(0, at + 1)].filter(Boolean).map(name).join(' ') : '';
        add(regions.form, mix(hash, ++met, first ? 17 : 16), named ? () => `^${begun}` : undefined);
      }
    },
    meanings(tokens) {
      for (let at = 0; at < tokens; at++) {
        const one = concepts[at]!;
        if (one === 0) continue;
        meaning(one, quoted[at]!);
        let second = 0;
        let met = 0;
        for (let next = at + 1; next < tokens && next - at <= 9 && met < 4; next++) {
          const other = concepts[next]!;
          if (other === 0) continue;
          met++;
          pair(one, other, next - at > 3 ? 1 : 0, quoted[at]! & quoted[next]!);
          const between = second;
          if (met === 2 || met === 3)
            add(
              regions.concepts,
              mix(mix(one, between, 13), other, 13),
              named ? () => `${name(one)} ${name(between)} ${name(other)}` : undefined,
            );
          if (met === 1) second = other;
        }
      }
    },
    pattern(rule, rulesName, quote) {
      const begun = openingName;
      add(regions.patterns, mix(rule, opening, 86), named ? () => `${begun} THEN ${rulesName}` : undefined);
      if (quote) add(regions.patterns, mix(rule, 1, 79), named ? () => `QUOTED ${rulesName}` : undefined);
      if (asked) add(regions.patterns, mix(rule, asked, 83), named ? () => `ASKED ${rulesName}` : undefined);
    },
    mark(code) {
      add(
        regions.form,
        code * 31 + 5,
        called(() => `ends with ${String.fromCharCode(code)}`),
      );
    },
  };
}

const seed = 0x2545f491;
/** A word of more characters is looked at by its beginning only: a key or a hash says nothing more. */
const longest = 24;
export const mostGrams = 3 * (longest + 2);

/** The character n-grams of a word of three letters and more, into `into`; tells how many. */
export function letterGrams(text: string, start: number, end: number, into: Int32Array): number {
  if (end - start < 3) return 0;
  let count = 0;
  const last = Math.min(end, start + longest);
  for (let at = start - 1; at < last - 1; at++) {
    let hash = Math.imul(seed ^ (at < start ? 32 : text.charCodeAt(at)), 0x01000193);
    for (let length = 2; length <= 5 && at + length <= last + 1; length++) {
      const here = at + length - 1;
      hash = Math.imul(hash ^ (here >= last ? 32 : text.charCodeAt(here)), 0x01000193) ^ (hash >>> 13);
      if (length >= 3) into[count++] = place(regions.chars, hash + length);
    }
  }
  return count;
}
