// The stop condition counts what fails outside faults, and nothing that fails under one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask, bareError, broken, type Case, evidenceOf, methodFacts, served, silence } from '../scoring/fixture.ts';
import { methodRuns } from '../scoring/method-run.ts';
import { failuresOutside, mustStop } from './stop-condition.ts';

const outside = (...cases: Case[]) => failuresOutside(methodRuns(evidenceOf(cases.flatMap((one) => methodFacts(one)))));

test('failuresOutside() does not count what the fault broke', () => {
  const fault = [...broken(11_000, bareError), ...broken(12_000, silence), ...broken(13_000, silence)];
  assert.deepEqual(outside({ fault, recovery: broken(20_100, bareError) }), { asked: 2, failed: 0 });
});

test('failuresOutside() counts what failed before a fault and after all was well again', () => {
  const after = [...served('after', 25_000), ask('after', 26_000, bareError), ask('baseline', 5000, silence)];
  assert.deepEqual(outside({ beside: after }), { asked: 5, failed: 2 });
});

const cases: [asked: number, failed: number, percent: number, stops: boolean][] = [
  [3, 3, 50, false],
  [4, 2, 50, true],
  [4, 1, 50, false],
  [20, 2, 10, true],
  [4, 4, 100, true],
];
for (const [asked, failed, percent, stops] of cases)
  test(`mustStop() ${stops ? 'stops' : 'goes on'} when ${failed} of ${asked} failed and the bar is ${percent} %`, () => {
    assert.equal(mustStop({ asked, failed }, percent), stops);
  });
