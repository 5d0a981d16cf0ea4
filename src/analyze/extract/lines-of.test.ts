// A text is cut at every kind of line end.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linesOf } from './lines-of.ts';

for (const [text, lines] of [
  ['', ['']],
  ['one', ['one']],
  ['one\ntwo\n', ['one', 'two', '']],
  ['one\r\ntwo\rthree\nfour', ['one', 'two', 'three', 'four']],
  ['\n\r\n\r', ['', '', '', '']],
] as const) {
  test(`linesOf() cuts ${JSON.stringify(text)} into ${lines.length}`, () => assert.deepEqual(linesOf(text), lines));
}
