import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mutated, survive } from './analyze-mutations.ts';

test('readExports() answers 400 mutated exports, none in silence, none slowly', async () => {
  assert.notDeepEqual(mutated(1).bytes, mutated(2).bytes);
  const { inputs, items } = await survive(0, 400, 5_000);
  assert.equal(inputs, 400);
  assert.ok(items >= 400);
});
