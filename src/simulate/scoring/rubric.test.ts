// The rubric as shipped, and the property that makes its numbers fair: no step in time costs much.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { dimensions, scenarioMethods } from '../../platform/documents/simulation.ts';
import { methodPlans } from '../scenarios/methods.ts';
import { checkIds, parseRubric, shareAt } from './rubric.ts';

const source = readFileSync(join(import.meta.dirname, '../../../scenarios/rubric.yaml'), 'utf8');
const rubric = parseRubric(source);

test('parseRubric() reads the shipped rubric and hashes its very bytes', () => {
  assert.equal(rubric.sha256, createHash('sha256').update(source).digest('hex'));
  assert.deepEqual(Object.keys(rubric.checks).sort(), [...checkIds].sort());
});

test('parseRubric() refuses unknown checks and keys', () => {
  assert.throws(() => parseRubric(source.replace('  alert: {', '  alarm: {')));
  assert.throws(() => parseRubric(source.replace('everywhere: [alert', 'everywhere: [alarm')));
  assert.throws(() => parseRubric(`${source}\nbonus: 5\n`));
});

test('parseRubric() finds, for each method that is run, only checks that exist; each scenario can fill all five dimensions', () => {
  for (const { scenario, method } of methodPlans) {
    const asked = [...rubric.everywhere, ...(rubric.methods[`${scenario}/${method}`] ?? [])];
    assert.ok(rubric.methods[`${scenario}/${method}`] !== undefined, `${scenario}/${method} is in the rubric`);
    assert.deepEqual(new Set(asked.map((id) => rubric.checks[id]?.dimension)), new Set(dimensions));
    assert.equal(new Set(asked).size, asked.length);
  }
  for (const name of Object.keys(rubric.methods)) {
    const [scenario = '', method = ''] = name.split('/');
    assert.ok((scenarioMethods as Record<string, readonly string[]>)[scenario]?.includes(method), name);
  }
});

test('parseRubric() gives a check, failed outright, at least 2 of the 20 points of its cell', () => {
  for (const { scenario, method } of methodPlans) {
    const asked = [...rubric.everywhere, ...(rubric.methods[`${scenario}/${method}`] ?? [])];
    for (const dimension of dimensions) {
      const of = (ids: typeof asked) => ids.reduce((sum, id) => sum + (rubric.checks[id]?.of ?? 0), 0);
      // Where nobody was disturbed, `undisturbed` stands alone; where somebody was, the questions on what was told.
      const mine = asked.filter((id) => rubric.checks[id]?.dimension === dimension && id !== 'undisturbed');
      for (const id of mine) assert.ok((20 * of([id])) / of(mine) >= 2, `${scenario}/${method} ${id}`);
    }
  }
});

test('shareAt() gives an honest answer more than an honest error, a bare error less, a lie and a silence nothing', () => {
  const { served, limited, error, 'bare-error': bare, silence, posed } = rubric.answers;
  assert.ok(served >= limited && limited > error && error > bare && bare > silence);
  assert.equal(silence, 0);
  assert.equal(posed, 0);
});

const points: [band: 'detection' | 'recovery' | 'patience', seconds: number, low: number, high: number][] = [
  // The exercise's bands, of 20: under 5 s 18–20, under 30 s 15–17, late 10–14.
  ['detection', 0, 20, 20],
  ['detection', 4.9, 18, 20],
  ['detection', 29, 15, 18],
  ['detection', 60, 10, 15],
  ['detection', 120, 10, 10],
  ['detection', 300, 0, 0],
  ['detection', 5000, 0, 0],
  ['recovery', 4.9, 18, 20],
  ['recovery', 29, 15, 18],
  ['recovery', 90, 10, 15],
  ['recovery', 301, 0, 0],
  ['patience', 2, 20, 20],
  ['patience', 31, 0, 0],
];
for (const [band, seconds, low, high] of points) {
  test(`shareAt() is worth ${low} to ${high} of 20 at ${seconds} s on the band "${band}"`, () => {
    const worth = 20 * shareAt(rubric.bands[band], seconds);
    assert.ok(worth >= low - 1e-9 && worth <= high + 1e-9, String(worth));
  });
}

for (const band of ['detection', 'recovery', 'patience'] as const) {
  const rows = rubric.bands[band];
  const seconds = fc.double({ min: 0, max: 600, noNaN: true });
  test(`shareAt() never rises with time on the band "${band}" and stays within 0 and 1`, () => {
    fc.assert(
      fc.property(seconds, seconds, (a, b) => {
        const [early, late] = [shareAt(rows, Math.min(a, b)), shareAt(rows, Math.max(a, b))];
        return early >= late && early <= 1 && late >= 0;
      }),
    );
  });
  test(`shareAt() takes no more than 2 of 20 points for 10 % more time on the band "${band}"`, () => {
    fc.assert(
      fc.property(seconds, (value) => 20 * (shareAt(rows, value) - shareAt(rows, 1.1 * value)) <= 2 + 1e-9),
      { numRuns: 2000 },
    );
  });
  test(`shareAt() has no jump on the band "${band}"`, () => {
    const last = rows.at(-1)![0];
    for (let at = 0; at <= last + 1; at += 0.01)
      assert.ok(shareAt(rows, at) - shareAt(rows, at + 0.01) < 0.02, `${at} s`);
  });
}
