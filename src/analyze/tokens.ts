// Counts the tokens of a conversation: exactly where the vocabulary is public, else an estimate that says so.
import { countTokens as countCl100k } from 'gpt-tokenizer/encoding/cl100k_base';
import { countTokens as countO200k } from 'gpt-tokenizer/encoding/o200k_base';
import type { Conversation, Message } from './conversation.ts';
import { wordCounter } from './word-counter.ts';

export interface TokenCount {
  count: number;
  /** `o200k_base`, `cl100k_base`, or `estimate`. */
  tokenizer: string;
  /** Exact for the text that the export holds; what a provider adds around messages is not in it. */
  exact: boolean;
}

type Vocabulary = 'o200k_base' | 'cl100k_base';

/** The texts of people may spell `<|endoftext|>`: here it is text like any other. */
const asText = { disallowedSpecial: new Set<string>() };
const counters: Record<Vocabulary, (text: string) => number> = {
  o200k_base: wordCounter((text) => countO200k(text, asText)),
  cl100k_base: wordCounter((text) => countCl100k(text, asText)),
};

export function countTokens(conversation: Conversation): TokenCount {
  const vocabulary = vocabularyOf(conversation);
  const texts = conversation.messages.flatMap(textsOf);
  if (vocabulary === null) {
    return { count: texts.reduce((sum, text) => sum + estimate(text), 0), tokenizer: 'estimate', exact: false };
  }
  const count = counters[vocabulary];
  return { count: texts.reduce((sum, text) => sum + count(text), 0), tokenizer: vocabulary, exact: true };
}

/** The vocabulary of all models of the thread; null when one of them is not OpenAI's or none is known to be. */
function vocabularyOf({ messages, format }: Conversation): Vocabulary | null {
  const models = new Set(messages.flatMap(({ model }) => (model === null ? [] : [model])));
  if (models.size === 0) return format === 'chatgpt' || format === 'codex' ? 'o200k_base' : null;
  const vocabularies = new Set([...models].map(vocabularyOfModel));
  if (vocabularies.has(null)) return null;
  // Mixed threads: every text is counted as the newer models read it.
  return vocabularies.has('o200k_base') ? 'o200k_base' : 'cl100k_base';
}

function vocabularyOfModel(name: string): Vocabulary | null {
  const model = name.toLowerCase().replace(/^(?:openai\/|ft:)/, '');
  if (/^(?:gpt-3\.5|gpt-4(?:$|-(?!o)|_)|text-davinci-002-render|text-embedding-)/.test(model)) return 'cl100k_base';
  return /^(?:gpt-|chatgpt|o\d(?:$|-)|codex|computer-use|auto$|research$)/.test(model) ? 'o200k_base' : null;
}

function textsOf({ parts }: Message): string[] {
  return parts.flatMap((part) => (part.text === null || part.text === '' ? [] : [part.text]));
}

/** Words of Latin script take about a token per 4.2 letters, other letters and signs about one each. */
function estimate(text: string): number {
  let letters = 0;
  let signs = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if ((code >= 97 && code <= 122) || (code >= 65 && code <= 90) || code === 32) letters++;
    else if (code > 0x2ff) signs += code >= 0xd800 && code < 0xdc00 ? 0 : 0.9;
    else if (code > 127) letters += 1.5;
    else signs += code === 10 ? 0.3 : 0.55;
  }
  return Math.ceil(letters / 4.6 + signs);
}
