// The estimate of tokens beside two real vocabularies, and a text in pieces beside the text as a whole.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encode } from 'gpt-tokenizer/encoding/o200k_base';
import { createTokenMeter, estimateTokens } from './estimate-tokens.ts';

const samples = {
  English:
    'Could you summarise the attached minutes in five short points, and tell me which of them need an answer by Friday?',
  French:
    'Pourriez-vous résumer le compte rendu ci-joint en cinq points, et me dire lesquels attendent une réponse avant vendredi ?',
  code: 'export function sum(list: readonly number[]): number {\n  let total = 0;\n  for (const value of list) total += value;\n  return total;\n}\n',
  Japanese: '今日の会議は午後三時から始まります。資料を事前に確認してください。',
  Russian: 'Объясни, пожалуйста, как работает протокол TCP и чем он отличается от UDP.',
};

for (const [name, text] of Object.entries(samples))
  test(`estimateTokens() is within a third below and two thirds above the real count of ${name}`, () => {
    const real = encode(text).length;
    const estimate = estimateTokens(text);
    assert.ok(estimate >= real * 0.67 && estimate <= real * 1.67, `${estimate} for ${real}`);
  });

test('createTokenMeter() comes to the same whatever pieces a text comes in', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme' }), { maxLength: 30 }), (pieces) => {
      const meter = createTokenMeter();
      for (const piece of pieces) meter.add(piece);
      const whole = createTokenMeter();
      whole.add(pieces.join(''));
      assert.ok(Math.abs(meter.tokens() - whole.tokens()) < 1e-6);
    }),
  );
});
