// Bytes set aside: the same wherever they lie, in memory, in the file, or across both.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setAside } from './set-aside.ts';

for (const most of [0, 5, 1e6]) {
  test(`setAside(${most}) gives back any part of what was added`, () => {
    const aside = setAside(most);
    const parts = ['a', 'bcd', '', 'efghijk', 'l', 'mn'].map((text) => Buffer.from(text));
    for (const part of parts) aside.add(part);
    const whole = Buffer.concat(parts);
    assert.equal(aside.size, whole.length);
    for (let from = 0; from < whole.length; from++)
      for (let to = from; to <= whole.length; to++)
        assert.deepEqual(Buffer.from(aside.read(from, to - from)), whole.subarray(from, to));
    aside.close();
  });
}

test('setAside() copies what it is given', () => {
  const aside = setAside(1e6);
  const bytes = Buffer.from('abc');
  aside.add(bytes);
  bytes.fill(0);
  assert.equal(aside.read(0, 3).toString(), 'abc');
  aside.close();
});
