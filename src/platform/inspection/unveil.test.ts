// What stands behind escapes and between unseen characters, and where it stood.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertCpu } from '../base/test-time.ts';
import { isUnseen, unveil } from './unveil.ts';

test('unveil() reads escapes and leaves out what cannot be seen', () => {
  for (const [given, text] of [
    ['a\\u0062c', 'abc'],
    ['a\\\\\\\\u0062c', 'abc'],
    ['a\\x62\\u{63}', 'abc'],
    ['a\\/b', 'a/b'],
    ['a&#98;&#x63;', 'abc'],
    ['a\u200bb\u00adc\ufe0f', 'abc'],
    ['a\u{e0101}b\u{e0041}c', 'abc'],
    ['\\u200ba\\u00adb', 'ab'],
  ] as const)
    assert.equal(unveil(given)?.text, text, given);
});

test('unveil() says where what it read stands', () => {
  const given = 'x \\u0061\u200bbc\\u0064 y';
  const read = unveil(given)!;
  assert.equal(read.text, 'x abcd y');
  assert.equal(given.slice(read.startOf(2), read.endOf(6)), '\\u0061\u200bbc\\u0064');
});

test('unveil() has nothing to say of an ordinary text', () => {
  for (const text of ['hello', 'C:\\dir', 'été à Noël', '', 'a && b #1']) assert.equal(unveil(text), undefined, text);
});

test('unveil() takes time in proportion to the text', () => {
  for (const [piece, times] of [
    ['\\', 500_000],
    ['&#', 250_000],
    ['\\u00', 100_000],
  ] as const)
    assertCpu(piece, 1_500, () => unveil(piece.repeat(times)));
});

test('isUnseen() tells both halves of a character beyond the first plane', () => {
  const text = 'a\u{e0101}\u200b😀';
  assert.deepEqual(
    [...text.split('').keys()].map((at) => isUnseen(text, at)),
    [false, true, true, true, false, false],
  );
});
