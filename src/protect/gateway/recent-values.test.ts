import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRecent } from './recent-values.ts';

test('createRecent() keeps the half used last, never more than it may, and forgets what is deleted', () => {
  const recent = createRecent<number>(10);
  const held = () => Array.from({ length: 100 }, (_, at) => `k${at}`).filter((key) => recent.get(key) !== undefined);
  for (let at = 0; at < 100; at++) {
    recent.set(`k${at}`, at);
    assert.equal(recent.get('k0'), 0, `asked for each time, after ${at}`);
  }
  for (const at of [99, 98, 97, 96]) assert.equal(recent.get(`k${at}`), at);
  assert.ok(held().length <= 10);
  recent.set('k99', -1);
  assert.equal(recent.get('k99'), -1);
  assert.equal(recent.delete('k99'), true);
  assert.equal(recent.get('k99'), undefined);
  assert.equal(recent.delete('k99'), false);
});
