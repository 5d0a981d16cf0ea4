// The table of an overload: how a target gives way under load, told from its answers and from the steps of a climb.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Fact } from '../scenarios/evidence.ts';
import { ask, bareError, broken, served, silence } from './fixture.ts';
import { expect, rows } from './observe.fixture.ts';

/** Asks under load that take so many milliseconds; null is an error. */
function loaded(times: readonly (number | null)[]): Fact[] {
  return times.flatMap((ms, index) => {
    const t = 11_000 + 1000 * index;
    return ms === null ? [ask('fault', t, { ...bareError, endT: t + 100 })] : served('fault', t, { endT: t + ms });
  });
}
const shapes: [times: (number | null)[], shape: string, success: number][] = [
  [[1000, 1100, 1200], 'no-degradation', 100],
  [[1500, 2600, 3000], 'gradual', 100],
  [[1000, 3000, null], 'gradual', 66.67],
  [[1000, null, null, 3000], 'abrupt', 50],
];
for (const [times, shape, success] of shapes)
  test(`observe() under load calls ${JSON.stringify(times)} ${shape}`, () => {
    const found = rows('overload', 'cpu', { fault: loaded(times) });
    expect(found, {
      'load.shape': shape,
      'load.success.loaded': success,
      'load.success.normal': 100,
      'load.response-time.normal': 1000,
      'load.baseline-slow': 'yes',
      'load.stability.loaded': 'stable',
      'load.protection': 'yes',
    });
  });

test('observe() under load: a target that falls silent does not protect itself', () => {
  const gone: Fact = { kind: 'process', t: 12_000, state: 'exited', detail: 'signal SIGKILL' };
  const found = rows('overload', 'cpu', { fault: [...broken(11_000, silence), gone] });
  expect(found, { 'load.protection': 'no', 'load.stability.loaded': 'unstable', 'load.errors.loaded': 1 });
});

const climbs: [why: string, steps: [answered: number, medianMs: number][], shape: string][] = [
  [
    'as fast as ever',
    [
      [1, 200],
      [1, 210],
      [1, 390],
    ],
    'no-degradation',
  ],
  [
    'slower with each step',
    [
      [1, 200],
      [1, 390],
      [1, 800],
      [1, 1500],
    ],
    'gradual',
  ],
  [
    'a few lost with each step',
    [
      [1, 200],
      [0.9, 200],
      [0.7, 210],
      [0.5, 200],
    ],
    'gradual',
  ],
  [
    'well, and then gone',
    [
      [1, 200],
      [1, 220],
      [0.2, 230],
    ],
    'abrupt',
  ],
  [
    'well, and then stuck',
    [
      [1, 200],
      [1, 220],
      [1, 4000],
    ],
    'abrupt',
  ],
];
for (const [why, steps, shape] of climbs)
  test(`observe() under load steps: ${why} is ${shape}`, () => {
    const climb = steps.map(
      ([answered, medianMs], index): Fact => ({
        kind: 'load-step',
        t: 30_000 + 1000 * index,
        endT: 31_000 + 1000 * index,
        users: 2 ** index,
        asked: 10,
        answered: 10 * answered,
        medianMs,
      }),
    );
    const found = rows('overload', 'cpu', { fault: loaded([1000, 1100]), beside: climb });
    expect(found, { 'load.shape': shape });
    assert.match(String(found['load.steps']), /1 at once: 200 ms, 100 % answered · 2 at once/);
  });
