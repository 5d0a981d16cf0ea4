import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isSubject, printable } from './subject.ts';

for (const [name, expected] of [
  ['first-user', true],
  ['Zoë d’Àgueda 李 (poste 12)', true],
  ['', false],
  ['ev\u001b[31mil', false],
  ['a\nrmp_forged  admin', false],
  ['a\u2028b', false],
  ['a\u202eb', false],
  ['a\u0000b', false],
  ['a\ud800', false],
  [' padded ', false],
  ['x'.repeat(101), false],
] as const)
  test(`isSubject() ${expected ? 'takes' : 'refuses'} ${JSON.stringify(name).slice(0, 40)}`, () => {
    assert.equal(isSubject(name), expected);
  });

test('printable() leaves nothing that moves a terminal’s cursor', () => {
  assert.equal(printable('ev\u001b[31mil\nrow'), 'ev\ufffd[31mil\ufffdrow');
});
