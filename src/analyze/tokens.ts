// Counts the tokens of a conversation: exactly where the vocabulary is public, else an estimate that says so.

import { CL100K_TOKEN_SPLIT_REGEX, O200K_TOKEN_SPLIT_REGEX } from 'gpt-tokenizer/encodingParams/constants';
import { charCodeAt } from '../platform/base/char-code-at.ts';
import type { Conversation, Message } from './conversation.ts';
import { pieceCounter, type VocabularyName } from './token-vocabulary.ts';
import { wordCounter } from './word-counter.ts';

export interface TokenCount {
  count: number;
  /** `o200k_base`, `cl100k_base`, `cl100k_base + o200k_base` where models changed, or `estimate`. */
  tokenizer: string;
  /** Exact for the text that the export holds; what a provider adds around messages is not in it. */
  exact: boolean;
}

const patterns: Record<VocabularyName, RegExp> = {
  o200k_base: O200K_TOKEN_SPLIT_REGEX,
  cl100k_base: CL100K_TOKEN_SPLIT_REGEX,
};
const counters = new Map<VocabularyName, (text: string) => number>();

/** Loaded when a conversation asks for it. What spells a special token is text like any other here. */
function counter(name: VocabularyName): (text: string) => number {
  let known = counters.get(name);
  if (known === undefined) {
    const pattern = patterns[name];
    const countPiece = pieceCounter(name);
    known = wordCounter((text) => {
      if (isOnePiece(text)) return countPiece(text);
      let sum = 0;
      pattern.lastIndex = 0;
      for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) sum += countPiece(match[0]);
      return sum;
    });
    counters.set(name, known);
  }
  return known;
}

/** By character, what both patterns take it for where it is sure: another sign, a small letter, a capital; 0 for the rest. */
const other = 1;
const small = 2;
const capital = 3;
const kinds = Uint8Array.from({ length: 256 }, (_, code) => {
  const sign = String.fromCharCode(code);
  if (/\p{Ll}/u.test(sign)) return small;
  if (/\p{Lu}/u.test(sign)) return capital;
  return code < 128 && !/[\d\r\n']/.test(sign) ? other : 0;
});

/** Letters with at most one sign before them and no capital after a small one: most words, and no pattern need be tried on them. */
function isOnePiece(text: string): boolean {
  const { length } = text;
  let at = kindAt(text, 0) === other ? 1 : 0;
  const first = at;
  while (at < length && kindAt(text, at) === capital) at++;
  while (at < length && kindAt(text, at) === small) at++;
  return at > first && at === length;
}

function kindAt(text: string, at: number): number {
  const code = charCodeAt(text, at);
  return code < 256 ? kinds[code]! : 0;
}

/** Each message by the vocabulary of its model; a thread in which a model's vocabulary is not public is an estimate. */
export function countTokens({ messages, format }: Conversation): TokenCount {
  const vocabularies = vocabulariesOf(messages, format);
  if (vocabularies === null) {
    return { count: sumOf(messages, estimate), tokenizer: 'estimate', exact: false };
  }
  const used = new Set<VocabularyName>();
  let count = 0;
  messages.forEach((message, i) => {
    const vocabulary = vocabularies[i]!;
    used.add(vocabulary);
    count += sumOf([message], counter(vocabulary));
  });
  return { count, tokenizer: [...used].sort().join(' + ') || 'o200k_base', exact: true };
}

function sumOf(messages: readonly Message[], count: (text: string) => number): number {
  let sum = 0;
  for (const { parts } of messages) for (const { text } of parts) if (text !== null && text !== '') sum += count(text);
  return sum;
}

/** A question is read by the model that answers it. Null when a model is not OpenAI's or none is known to be. */
function vocabulariesOf(messages: readonly Message[], format: Conversation['format']): VocabularyName[] | null {
  const named = new Map<string, VocabularyName | null>();
  for (const { model } of messages) if (model !== null) named.set(model, named.get(model) ?? vocabularyOfModel(model));
  if (named.size === 0)
    return format === 'chatgpt' || format === 'codex' ? messages.map(() => 'o200k_base' as const) : null;
  if ([...named.values()].includes(null)) return null;
  const known = messages.map(({ model }) => (model === null ? undefined : (named.get(model) ?? undefined)));
  const answering = new Map<string, VocabularyName>();
  const found: (VocabularyName | undefined)[] = known.map(() => undefined);
  for (let i = messages.length - 1; i >= 0; i--) {
    const { branch } = messages[i]!;
    found[i] = known[i] ?? answering.get(branch);
    const own = known[i];
    if (own !== undefined) answering.set(branch, own);
  }
  const last = known.findLast((vocabulary) => vocabulary !== undefined) ?? 'o200k_base';
  return found.map((vocabulary) => vocabulary ?? last);
}

function vocabularyOfModel(name: string): VocabularyName | null {
  const model = name.toLowerCase().replace(/^(?:openai\/|ft:)/, '');
  if (/^(?:gpt-3\.5|gpt-4(?:$|-(?!o|[15](?:$|-))|_)|text-davinci-002-render|text-embedding-)/.test(model))
    return 'cl100k_base';
  return /^(?:gpt-|chatgpt|o\d(?:$|-)|codex|computer-use|auto$|research$)/.test(model) ? 'o200k_base' : null;
}

/** Words of Latin script take about a token per 4.2 letters, other letters and signs about one each. */
function estimate(text: string): number {
  let letters = 0;
  let signs = 0;
  for (let i = 0, { length } = text; i < length; i++) {
    const code = charCodeAt(text, i);
    if ((code >= 97 && code <= 122) || (code >= 65 && code <= 90) || code === 32) letters++;
    else if (code > 0x2ff) signs += code >= 0xd800 && code < 0xdc00 ? 0 : 0.9;
    else if (code > 127) letters += 1.5;
    else signs += code === 10 ? 0.3 : 0.55;
  }
  return Math.ceil(letters / 4.6 + signs);
}
