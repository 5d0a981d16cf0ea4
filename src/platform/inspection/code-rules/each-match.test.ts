// The same matches as the language's own way finds, however they are sought.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { eachMatch } from './each-match.ts';

const patterns = [/a+/g, /(?<one>a)(b)?/g, /b*/g, /^a/gm, /a(?=b)/g, /(?<!a)b/g];

test('eachMatch() gives what matchAll() gives, whatever was sought before', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('a', 'b', '\n', 'é'), { maxLength: 20 }), (signs) => {
      const text = signs.join('');
      for (const pattern of patterns) {
        pattern.lastIndex = 3;
        assert.deepEqual(eachMatch(pattern, text), [...text.matchAll(new RegExp(pattern))]);
        assert.equal(pattern.lastIndex, 0);
      }
    }),
  );
});

test('eachMatch() lets its pattern be used for each match', () => {
  const pattern = /\d/g;
  const sums = eachMatch(pattern, '12').map(([digit]) => eachMatch(pattern, `${digit}4`).length);
  assert.deepEqual(sums, [2, 2]);
});
