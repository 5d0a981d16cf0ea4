import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { countTokens as countCl100k } from 'gpt-tokenizer/encoding/cl100k_base';
import { countTokens as countO200k } from 'gpt-tokenizer/encoding/o200k_base';
import type { Format } from '../platform/documents/analysis.ts';
import type { Conversation } from './conversation.ts';
import { countTokens } from './tokens.ts';
import { wordCounter } from './word-counter.ts';

function said(format: Format, model: string | null, ...texts: string[]): Conversation {
  const messages = texts.map((text, index) => ({
    index,
    author: index % 2 === 0 ? ('user' as const) : ('assistant' as const),
    branch: 'main',
    at: null,
    model: index % 2 === 0 ? null : model,
    hidden: false,
    failed: false,
    parts: [{ kind: 'prose' as const, text }],
  }));
  return {
    id: 'x',
    title: null,
    source: 'f',
    format,
    messages,
    repairs: [],
    unread: { unknownTypes: {}, messages: 0 },
  };
}

for (const [format, model, tokenizer, exact] of [
  ['chatgpt', 'gpt-4o', 'o200k_base', true],
  ['chatgpt', 'gpt-5-thinking', 'o200k_base', true],
  ['chatgpt', 'o3-mini', 'o200k_base', true],
  ['chatgpt', 'gpt-4', 'cl100k_base', true],
  ['chatgpt', 'text-davinci-002-render-sha', 'cl100k_base', true],
  ['chatgpt', null, 'o200k_base', true],
  ['openai', 'mistral-large', 'estimate', false],
  ['claude', null, 'estimate', false],
  ['lechat', null, 'estimate', false],
] as const) {
  test(`countTokens() counts a conversation of ${format} with ${model ?? 'no model named'} by ${tokenizer}`, () => {
    const counted = countTokens(said(format, model, 'Bonjour à tous', 'Hello'));
    assert.deepEqual([counted.tokenizer, counted.exact], [tokenizer, exact]);
    assert.ok(counted.count >= 3 && counted.count <= 8);
  });
}

test('countTokens() counts the spelling of a special token as the text that it is', () => {
  const text = 'The mark <|endoftext|> ends a text.';
  const count = countTokens(said('chatgpt', 'gpt-4o', text)).count;
  assert.equal(count, countO200k(text, { disallowedSpecial: new Set() }));
  assert.ok(count > 10);
});

test('countTokens() estimates prose and code within a quarter of an exact count', () => {
  const texts = [
    'The quick brown fox jumps over the lazy dog, and nobody in the village has ever asked it why it would do so. '.repeat(
      20,
    ),
    'Les élèves de la classe préparent une fête ; chacun apporte un gâteau, une boisson ou une idée de jeu. '.repeat(
      20,
    ),
    'export function add(a: number, b: number): number {\n  return a + b;\n}\n\nfor (const x of list) console.log(x.name);\n'.repeat(
      20,
    ),
  ];
  for (const text of texts) {
    const ratio = countTokens(said('claude', null, text)).count / countO200k(text);
    assert.ok(ratio > 0.75 && ratio < 1.25, `${ratio.toFixed(2)} of the exact count`);
  }
});

test('wordCounter() gives what the vocabularies give for the whole text', () => {
  const piece = fc.constantFrom(
    ' ',
    '  ',
    '\n',
    '\t',
    'word',
    'Word',
    "it's",
    "'S",
    '12345',
    'é',
    '漢字',
    '(x)',
    '!!',
    '/',
    '\u00A0',
    '😀',
    'A1',
    'HTTPServer',
    '_a',
    '\r\n',
  );
  const asText = { disallowedSpecial: new Set<string>() };
  for (const whole of [countO200k, countCl100k]) {
    const byWords = wordCounter((text) => whole(text, asText));
    fc.assert(
      fc.property(
        fc.array(fc.oneof(piece, fc.string({ maxLength: 6 }), fc.string({ unit: 'grapheme', maxLength: 4 }))),
        (pieces) => {
          const text = pieces.join('');
          assert.equal(byWords(text), whole(text, asText));
        },
      ),
      { numRuns: 1_500 },
    );
  }
});
