import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { countTokens as countCl100k } from 'gpt-tokenizer/encoding/cl100k_base';
import { countTokens as countO200k } from 'gpt-tokenizer/encoding/o200k_base';
import { assertCpu } from '../platform/base/test-time.ts';
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
  ['chatgpt', 'gpt-4-5', 'o200k_base', true],
  ['chatgpt', 'gpt-4', 'cl100k_base', true],
  ['chatgpt', 'gpt-4-1106-preview', 'cl100k_base', true],
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

test('countTokens() counts each message by its own model, and a question by the model that answers it', () => {
  const odd = 'Élèves, préparez-vous : 漢字の練習、Übung macht den Meister.';
  const conversation = said('chatgpt', 'gpt-4', odd, odd, odd, odd);
  conversation.messages[3]!.model = 'gpt-4o';
  const counted = countTokens(conversation);
  assert.notEqual(countCl100k(odd), countO200k(odd));
  assert.equal(counted.count, 2 * countCl100k(odd) + 2 * countO200k(odd));
  assert.deepEqual([counted.tokenizer, counted.exact], ['cl100k_base + o200k_base', true]);
});

test('countTokens() takes a text without white space in time that grows with its length', () => {
  const message = said('chatgpt', 'gpt-4o', `${'a'.repeat(400_000)}${'漢字'.repeat(100_000)}`);
  assertCpu('600,000 characters', 5_000, () => assert.ok(countTokens(message).count > 100_000));
});

test('wordCounter() and countTokens() give what the vocabularies give for the whole text', () => {
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
    '    ',
    '\t\t',
    ';\n',
    '.\n/',
    '\n ',
    "\n'",
  );
  const asText = { disallowedSpecial: new Set<string>() };
  const wholes = { 'gpt-4o': countO200k, 'gpt-4': countCl100k };
  for (const model of ['gpt-4o', 'gpt-4'] as const) {
    const whole = wholes[model];
    const byWords = wordCounter((text) => whole(text, asText));
    fc.assert(
      fc.property(
        fc.array(fc.oneof(piece, fc.string({ maxLength: 6 }), fc.string({ unit: 'grapheme', maxLength: 4 }))),
        (pieces) => {
          const text = pieces.join('');
          const expected = whole(text, asText);
          assert.equal(byWords(text), expected);
          if (text !== '') assert.equal(countTokens(said('chatgpt', model, '', text)).count, expected);
        },
      ),
      { numRuns: 4_000 },
    );
  }
});
