import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEnding } from './ending.ts';

test('createEnding() ends once, with its parent or by itself, and tells who still listens', () => {
  const parent = new AbortController();
  const child = createEnding(parent.signal);
  const told: string[] = [];
  const gone = () => told.push('gone');
  child.signal.addEventListener('abort', gone);
  child.signal.addEventListener('abort', () => told.push('heard'));
  child.signal.removeEventListener('abort', gone);
  const released = createEnding(parent.signal);
  released.release();
  parent.abort();
  child.abort();
  assert.deepEqual(told, ['heard']);
  assert.deepEqual([child.signal.aborted, released.signal.aborted], [true, false]);
  assert.equal(createEnding(child.signal).signal.aborted, true);
  const alone = createEnding();
  alone.abort();
  assert.equal(alone.signal.aborted, true);
});
