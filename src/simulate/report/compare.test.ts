// Two runs compared: what is worse, what changed, and what says nothing.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { comparisonSchema } from '../../platform/documents/comparison.ts';
import type { Simulation } from '../../platform/documents/simulation.ts';
import { compareRuns } from './compare.ts';
import { comparisonText } from './compare-text.ts';
import { fixture } from './fixture.ts';
import { words } from './text.ts';

/** The fixture's run with its cut network changed. */
function changed(change: (scenario: Simulation['scenarios'][number], doc: Simulation) => void): Simulation {
  const doc = structuredClone(fixture().doc);
  change(doc.scenarios[0]!, doc);
  return doc;
}
const before = fixture().doc;

test('compareRuns() finds nothing changed in a run compared with itself', () => {
  const { checks, leaks, worse, differs, cells } = compareRuns(before, before);
  assert.deepEqual([checks, leaks.appeared, leaks.gone, worse, differs], [[], [], [], false, []]);
  comparisonSchema.parse(
    compareRuns(
      before,
      changed(({ methods }) => methods[0]!.checks.pop()),
    ),
  );
  assert.equal(cells.length, 30);
  assert.deepEqual(
    cells.filter(({ change }) => change !== 0 && change !== null),
    [],
  );
});

const losses: [points: number, worse: boolean][] = [
  [2, false],
  [2.01, true],
  [-5, false],
];
for (const [points, worse] of losses) {
  test(`compareRuns() calls a run that lost ${points} points in one cell ${worse ? 'worse' : 'not worse'}`, () => {
    const after = changed((scenario) => {
      scenario.scores.recovery = 12.5 - points;
    });
    assert.equal(compareRuns(before, after).worse, worse);
  });
}

test('compareRuns() does not call worse what the second run could not assess', () => {
  const after = changed((scenario) => {
    scenario.scores.detection = null;
  });
  const comparison = compareRuns(before, after);
  assert.equal(comparison.worse, false);
  assert.match(comparisonText(comparison, words('en')), /1 cells were assessed in the first run only/);
});

test('compareRuns() lists the checks that changed, the leaks that came and the conditions that differ', () => {
  const after = changed(({ methods }, doc) => {
    doc.seed = 8;
    methods[0]!.checks[0]!.points = 2;
    methods[0]!.checks.pop();
    methods[0]!.leaks[1]!.pattern = 'sql';
  });
  const comparison = compareRuns(before, after);
  assert.deepEqual(comparison.differs, ['seed']);
  assert.deepEqual(
    comparison.checks.map(({ check, after: now }) => [check, now?.points ?? null]),
    [
      ['notice', 2],
      ['from-a-newer-rubric', null],
    ],
  );
  assert.deepEqual(
    [comparison.leaks.appeared, comparison.leaks.gone].map((leaks) => leaks.map(({ pattern }) => pattern)),
    [['sql'], ['stack-trace-js']],
  );
});

test('comparisonText() shows the words of a hostile target and never their control characters', () => {
  for (const lang of ['en', 'fr'] as const) {
    const text = comparisonText(
      compareRuns(
        before,
        changed(() => undefined),
      ),
      words(lang),
    );
    assert.match(text, lang === 'fr' ? /Réseau coupé/ : /Network cut/);
    assert.doesNotMatch(text, /[\u0000-\u0009\u000b-\u001f]|\{\w+\}/);
  }
});
