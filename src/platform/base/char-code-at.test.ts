// What is taken from the prototype answers as the method does.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { charCodeAt } from './char-code-at.ts';

test('charCodeAt() answers as the method of a text does, also outside of it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: -2, max: 12 }), (text, at) => {
      assert.equal(charCodeAt(text, at), text.charCodeAt(at));
    }),
  );
});
