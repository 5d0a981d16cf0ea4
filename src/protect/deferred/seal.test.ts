// What is sealed opens only with its key, in its place, and unchanged.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSeal } from './seal.ts';

const seal = createSeal(Buffer.alloc(32, 1));
const text = { says: 'une question — “quoted”', list: [1, null, true] };

test('open() gives back what was closed, and each closing is another one', () => {
  const [one, two] = [seal.close(text, 'a'), seal.close(text, 'a')];
  assert.deepEqual(seal.open(one, 'a'), text);
  assert.notEqual(one, two);
  assert.ok(!Buffer.from(one, 'base64').includes('question'));
});

test('open() refuses another place, another key, and any change', () => {
  const sealed = seal.close(text, 'dfr_1 request');
  const other = createSeal(Buffer.alloc(32, 2));
  assert.throws(() => seal.open(sealed, 'dfr_2 request'));
  assert.throws(() => seal.open(sealed, 'dfr_1 answer'));
  assert.throws(() => other.open(sealed, 'dfr_1 request'));
  assert.notEqual(seal.keyId, other.keyId);
  const bytes = Buffer.from(sealed, 'base64');
  for (let at = 0; at < bytes.length; at++) {
    const changed = Buffer.from(bytes);
    changed[at]! ^= 1;
    assert.throws(() => seal.open(changed.toString('base64'), 'dfr_1 request'), `byte ${at}`);
  }
  assert.throws(() => seal.open(sealed.slice(0, 30), 'dfr_1 request'), 'cut');
});

test('digest() is the same for the same text and tells nothing without the key', () => {
  assert.equal(seal.digest('x'), createSeal(Buffer.alloc(32, 1)).digest('x'));
  assert.notEqual(seal.digest('x'), createSeal(Buffer.alloc(32, 2)).digest('x'));
  assert.notEqual(seal.digest('x'), seal.digest('y'));
});

test('createSeal() takes no key that can be guessed', () => {
  assert.throws(() => createSeal(Buffer.from('short')), TypeError);
});
