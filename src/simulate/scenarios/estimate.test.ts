// What a run is said to take, against what the exercise's durations add up to.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { estimateSeconds } from './estimate.ts';

const plan = { quickMinMs: 2000, quickMaxMs: 6000, realMs: 30_000 };

test('estimateSeconds() adds the faults and what comes beside each, for every run', () => {
  const [real, same] = estimateSeconds([plan, { ...plan, realMs: 120_000 }], { pace: 'real', runs: 3 });
  assert.equal(real, same);
  assert.ok(real > 450 && real < 550, `${real} s`);
  const [from, to] = estimateSeconds([plan], { pace: 'quick', runs: 1 });
  assert.equal(to - from, 4);
  assert.deepEqual(estimateSeconds([], { pace: 'quick', runs: 1 }), [0, 0]);
});
