// Turns by weight: exact over each round, even within it, and the same for the same random number.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createWeighted } from './weighted.ts';

const take = (weights: readonly number[], count: number, random = 0) => {
  const turns = createWeighted(weights, () => random);
  return Array.from({ length: count }, () => turns.next());
};

test('createWeighted() spreads a heavy one over the round', () => {
  assert.deepEqual(take([5, 1, 1], 7), [0, 0, 1, 0, 2, 0, 0]);
  assert.deepEqual(take([3, 1], 4), [0, 0, 1, 0]);
});

test('createWeighted() begins where the random number says, and goes on the same way', () => {
  const round = take([3, 1], 4);
  assert.deepEqual(take([3, 1], 4, 0.5), [...round.slice(2), ...round.slice(0, 2)]);
  assert.deepEqual(take([2, 3, 4], 20, 0.37), take([2, 3, 4], 20, 0.37));
});

test('createWeighted() gives each its exact share of every round, wherever it begins', () => {
  const weights = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(weights, fc.double({ min: 0, max: 0.999, noNaN: true }), (given, random) => {
      const round = given.reduce((sum, weight) => sum + weight, 0);
      const taken = take(given, round * 2, random);
      for (const [index, weight] of given.entries())
        assert.equal(taken.filter((one) => one === index).length, weight * 2);
    }),
  );
});

test('createWeighted() passes over who may not be taken, and says so when nobody may', () => {
  const turns = createWeighted([1, 1, 1], () => 0);
  const without = Array.from({ length: 4 }, () => turns.next((index) => index !== 1));
  assert.deepEqual(without.toSorted(), [0, 0, 2, 2]);
  assert.equal(
    turns.next(() => false),
    -1,
  );
});
