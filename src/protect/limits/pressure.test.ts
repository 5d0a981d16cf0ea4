// How many at once under pressure: fewer while the loop is late or answers are slow, all again when that is over, and never none.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPressure } from './pressure.ts';

const settings = { total: 100, lagMs: 250, slower: 4 };

test('createPressure() lets in fewer while the event loop is late, never under its floor, and all again afterwards', () => {
  const pressure = createPressure(settings);
  pressure.look(300, 60);
  assert.equal(pressure.allowed(), 42, 'from what is at work');
  for (let nth = 0; nth < 20; nth++) pressure.look(300, pressure.allowed());
  assert.equal(pressure.allowed(), 8);
  for (let nth = 0; nth < 19; nth++) pressure.look(0, 8);
  assert.equal(pressure.allowed(), 100);
  pressure.replace({ ...settings, total: 4 });
  pressure.look(300, 4);
  assert.equal(pressure.allowed(), 4);
});

test('createPressure() lets in fewer while answers take many times as long as those of their kind did', () => {
  const pressure = createPressure(settings);
  for (let nth = 0; nth < 100; nth++) pressure.answered('chat', 300);
  pressure.look(0, 50);
  assert.equal(pressure.allowed(), 100);
  // Another kind that always takes long is not slow.
  for (let nth = 0; nth < 200; nth++) pressure.answered('long', 9_000);
  pressure.look(0, 50);
  assert.equal(pressure.allowed(), 100);
  for (let nth = 0; nth < 10; nth++) pressure.answered('chat', 3_000);
  pressure.look(0, 50);
  assert.equal(pressure.allowed(), 35);
  for (let nth = 0; nth < 20; nth++) pressure.look(0, 50);
  assert.equal(pressure.allowed(), 10, 'a tenth at least');
  for (let nth = 0; nth < 20; nth++) pressure.answered('chat', 310);
  for (let nth = 0; nth < 20; nth++) pressure.look(0, 10);
  assert.equal(pressure.allowed(), 100);
});

test('createPressure() does not take a quick answer for slow because others were quicker', () => {
  const pressure = createPressure(settings);
  for (let nth = 0; nth < 100; nth++) pressure.answered('chat', 2);
  for (let nth = 0; nth < 50; nth++) pressure.answered('chat', 100);
  pressure.look(0, 90);
  assert.equal(pressure.allowed(), 100);
});
