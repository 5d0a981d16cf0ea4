// The stand-in's answers: the same for the same seed and prompt, honest about who speaks, fit for a marker's way back.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { assertCpu } from '../../platform/base/test-time.ts';
import { answerTo, languageOf, markersOf } from './answers.ts';
import { exampleOf } from './example.ts';
import { countTokens, tokensOf } from './tokens.ts';

const text = fc.string({ unit: 'grapheme', maxLength: 200 });

test('answerTo() gives the same text for the same seed and prompt, and says that it is a stand-in', () => {
  fc.assert(
    fc.property(fc.nat(), text, (seed, prompt) => {
      const answer = answerTo(seed, prompt);
      assert.equal(answer, answerTo(seed, prompt));
      assert.match(answer, /^\[(stand-in|doublure)\] /);
      assert.doesNotMatch(answer, /\{\w+\}$/);
    }),
  );
});

test('answerTo() gives other texts for other seeds', () => {
  const answers = new Set(Array.from({ length: 20 }, (_, seed) => answerTo(seed, 'What is a rampart?')));
  assert.ok(answers.size > 5, `${answers.size} different answers`);
});

test('answerTo() repeats markers, from the far end of a long prompt too', () => {
  const answer = answerTo(1, `${'A long story. '.repeat(500)}mk-3f9a2b7c and USR_42_question7`);
  assert.ok(answer.includes('mk-3f9a2b7c') && answer.includes('USR_42_question7'));
});

test('markersOf() leaves ordinary words and numbers alone', () => {
  assert.deepEqual(markersOf('Call 0612345678 on 2026-11-21 about well-known IPv6 and gpt-4'), []);
});

for (const [prompt, lang] of [
  ['Bonjour', 'fr'],
  ['Quelle est la capitale de la France ?', 'fr'],
  ["Où est passée l'eau ?", 'fr'],
  ['What is the capital of France?', 'en'],
  ['Hello', 'en'],
  ['', 'en'],
  ['Translate "Bonjour" to English for me', 'en'],
] as const)
  test(`languageOf() takes ${JSON.stringify(prompt)} for ${lang}`, () => assert.equal(languageOf(prompt), lang));

test('tokensOf() cuts a text without losing anything', () => {
  fc.assert(fc.property(text, (given) => assert.equal(tokensOf(given).join(''), given)));
});

test('countTokens() takes time in proportion to blank text', () => {
  assertCpu('two million blanks', 2_000, () => countTokens(' '.repeat(2_000_000)));
});

test('exampleOf() builds what a schema asks for, with words and numbers of the prompt', () => {
  const schema = {
    type: 'object',
    properties: {
      city: { type: 'string' },
      unit: { type: 'string', enum: ['celsius', 'fahrenheit'] },
      days: { type: 'integer' },
      tags: { type: 'array', items: { type: 'string' } },
      exact: { type: 'boolean' },
      nested: { anyOf: [{ type: 'object', properties: { x: { type: 'number', minimum: 5 } } }, { type: 'null' }] },
    },
  };
  assert.deepEqual(exampleOf(schema, 'the weather for Paris over 4 days in fahrenheit'), {
    city: 'Paris',
    unit: 'fahrenheit',
    days: 4,
    tags: ['Paris'],
    exact: true,
    nested: { x: 5 },
  });
});

test('exampleOf() ends on a schema that is endless', () => {
  const loop: { type: string; properties: Record<string, unknown> } = { type: 'object', properties: {} };
  loop.properties['again'] = loop;
  assert.ok(JSON.stringify(exampleOf(loop, '')).length < 300);
});
