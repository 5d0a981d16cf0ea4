// Memory given back at once, and only where nobody else reads it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { letGo } from './let-go.ts';

test('letGo() frees bytes that have their memory to themselves, once', () => {
  const own = new Uint8Array(100);
  letGo(own);
  letGo(own);
  assert.equal(own.buffer.detached, true);
});

test('letGo() leaves bytes that share their memory', () => {
  const whole = new Uint8Array([1, 2, 3, 4]);
  letGo(whole.subarray(1, 3));
  letGo(new Uint8Array(new SharedArrayBuffer(4)));
  assert.deepEqual([...whole], [1, 2, 3, 4]);
});
