// From evidence to points: what holds for every run, whichever checks it is put to.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { dimensions, scenarioIds, simulationSchema } from '../../platform/documents/simulation.ts';
import { evidenceLine } from '../scenarios/evidence.ts';
import { alerts, document, one, reply, rubric } from './assess.fixture.ts';
import { levelOf } from './assess.ts';
import {
  bareError,
  broken,
  type Case,
  clearedT,
  evidenceOf,
  health,
  honestError,
  injectedT,
  limited,
  methodFacts,
  served,
  silence,
} from './fixture.ts';

test('fixture: its evidence has the shape of real evidence', () => {
  for (const line of evidenceOf(methodFacts({ beside: [health('fault', 1, { a: 1 })] }))) evidenceLine.parse(line);
});

test('assess() is pure: the same evidence gives the same bytes, in an order of runs that does not matter to it', () => {
  const evidence = evidenceOf(methodFacts({}), { promises: { health: true, alerts: true } });
  const before = JSON.stringify(evidence);
  const first = JSON.stringify(document(evidence));
  assert.equal(JSON.stringify(document(structuredClone(evidence))), first);
  assert.equal(JSON.stringify(evidence), before, 'the evidence is left as it was');
});

test('assess() gives documents of the published shape whatever the answers were', () => {
  const outcomes = [limited, honestError, bareError, silence, reply('Une pile.'), reply('')];
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(outcomes.length - 1), fc.array(fc.nat(900), { maxLength: 4 })), { maxLength: 5 }),
      fc.dictionary(fc.constantFrom('alerts', 'health', 'history', 'spareKey'), fc.boolean()),
      fc.constantFrom(...scenarioIds),
      (answers, promises, scenario) => {
        const fault = answers.flatMap(([kind, gaps], i) => broken(11_000 + 1500 * i, outcomes[kind], { gaps }));
        const method = Object.keys(rubric.methods)
          .find((name) => name.startsWith(`${scenario}/`))
          ?.split('/')[1];
        const facts = methodFacts({ scenario, method: method as never, fault });
        const doc = simulationSchema.parse(document(evidenceOf(facts, { promises })));
        const cells = doc.scenarios.flatMap(({ scores }) => Object.values(scores)).filter((cell) => cell !== null);
        assert.equal(doc.assessable, 20 * cells.length);
        assert.ok(doc.score <= doc.assessable);
        for (const { evidence } of doc.scenarios[0]!.methods[0]!.checks)
          assert.ok(evidence.every((id) => /^e\d+$/.test(id)));
      },
    ),
    { numRuns: 150 },
  );
});

const noScore: [name: string, facts: Case, outcome: string][] = [
  ['a fault that was not proved', { injected: { proved: false } }, 'inconclusive'],
  ['a fault not proved to have been on to its end', { cleared: { proved: false } }, 'inconclusive'],
  ['a fault that was never cleared', { cleared: null }, 'inconclusive'],
  ['a fault that was never injected', { injected: null, cleared: null }, 'inconclusive'],
  ['a fault that touched no call', { fault: served('fault', 11_000) }, 'inconclusive'],
  ['a fault during which nobody asked', { fault: [] }, 'inconclusive'],
  [
    'a database fault during which nobody asked',
    { scenario: 'database-down', method: 'stopped', fault: [] },
    'inconclusive',
  ],
  ['a broken baseline', { beside: [{ kind: 'invalid', t: 9000, why: 'broken' }] }, 'invalid'],
  ['a method that could not be had', { beside: [{ kind: 'inconclusive', t: 9000, why: 'no' }] }, 'inconclusive'],
];
for (const [name, facts, outcome] of noScore) {
  test(`assess() scores nothing after ${name}: ${outcome}, and null is no point won`, () => {
    const { doc, method, scenario } = one(facts);
    assert.equal(method.outcome, outcome);
    assert.ok((method.why ?? '').length > 0);
    assert.deepEqual(Object.values(scenario.scores), [null, null, null, null, null]);
    assert.deepEqual([doc.score, doc.assessable, doc.percentOfAssessable, scenario.total], [0, 0, null, null]);
    assert.equal(doc.selfHealed, 0);
  });
}

test('assess() needs no trace in the ledger for faults that leave none', () => {
  const asked = served('fault', 11_000);
  for (const [scenario, method] of [
    ['database-down', 'stopped'],
    ['overload', 'cpu'],
    ['network-cut', 'refused'],
  ] as const) {
    assert.equal(one({ scenario, method, fault: asked }).method.outcome, 'scored', method);
  }
});

test('assess() is provisional until all six scenarios have a total, and names the worst one', () => {
  const methods = {
    'api-maintenance': 'unavailable',
    'network-cut': 'mid-request',
    'key-compromised': 'revoked-401',
    overload: 'cpu',
    'database-down': 'stopped',
    'quota-exhausted': 'rate-limited',
  } as const;
  const facts = scenarioIds.map((scenario, i) =>
    methodFacts({
      scenario,
      method: methods[scenario],
      at: 40_000 * i,
      fault: scenario === 'quota-exhausted' ? broken(11_000, bareError) : broken(11_000, limited, { gaps: [400] }),
    }),
  );
  const all = document(evidenceOf(facts.flat()));
  assert.equal(all.provisional, false);
  assert.equal(all.assessable, 600);
  assert.equal(all.criticalScenario, 'quota-exhausted');
  assert.equal(all.percent, Math.round((10_000 * all.score) / 600) / 100);
  const five = document(evidenceOf(facts.slice(1).flat()));
  assert.equal(five.provisional, true);
  assert.equal(five.assessable, 500);
});

test('assess() takes the median over runs, and shows the worst run with the spread of its times', () => {
  const runs = [100, 5000, 9000].flatMap((ms, i) =>
    methodFacts({ run: i + 1, at: 40_000 * i, recovery: served('recovery', clearedT, { endT: clearedT + ms }) }),
  );
  const doc = document(evidenceOf(runs, { runs: 3 }));
  const [method] = doc.scenarios[0]!.methods;
  assert.deepEqual(method?.timings.recoverMs, { min: 100, median: 5000, max: 9000 });
  const middle = one({ recovery: served('recovery', clearedT, { endT: clearedT + 5000 }) }).method;
  assert.equal(method?.scores.recovery, middle.scores.recovery);
  assert.match(method?.checks.find(({ id }) => id === 'back')?.because ?? '', /9\.0 s/);
});

test('assess() takes each cell at the worst of the methods, and an inconclusive run does not count', () => {
  const good = methodFacts({ fault: broken(11_000, limited, { gaps: [400] }) });
  const bad = methodFacts({ method: 'unavailable-retry-after', at: 40_000, fault: broken(11_000, bareError) });
  const none = methodFacts({ method: 'invalid-key', at: 80_000, injected: { proved: false } });
  const doc = document(evidenceOf([...good, ...bad, ...none]));
  const { methods, scores } = doc.scenarios[0]!;
  assert.deepEqual(
    methods.map(({ id, outcome }) => [id, outcome]),
    [
      ['invalid-key', 'inconclusive'],
      ['unavailable', 'scored'],
      ['unavailable-retry-after', 'scored'],
    ],
  );
  for (const dimension of dimensions) {
    const cells = methods.filter(({ outcome }) => outcome === 'scored').map((m) => m.scores[dimension] ?? 99);
    assert.equal(scores[dimension], Math.min(...cells), dimension);
  }
});

test('assess() takes no more than 2 points of any cell for 10 % more time', () => {
  fc.assert(
    fc.property(fc.integer({ min: 100, max: 7000 }), (ms) => {
      const cells = (factor: number) => {
        const late = Math.round(ms * factor);
        return one(
          {
            fault: broken(11_000, { ...limited, endT: 11_000 + late }, { gaps: [400] }),
            recovery: served('recovery', clearedT, { endT: clearedT + late }),
            beside: [{ kind: 'alert', t: injectedT + late, body: '' }],
          },
          alerts,
        ).scenario.scores;
      };
      const [before, after] = [cells(1), cells(1.1)];
      return dimensions.every((dimension) => (before[dimension] ?? 0) - (after[dimension] ?? 0) <= 2);
    }),
    { numRuns: 60 },
  );
});

for (const [percent, level] of [
  [100, 'excellent'],
  [90, 'excellent'],
  [89.99, 'good'],
  [80, 'good'],
  [79.99, 'fair'],
  [70, 'fair'],
  [69.99, 'insufficient'],
  [0, 'insufficient'],
] as const) {
  test(`levelOf() calls ${percent} % ${level}`, () => assert.equal(levelOf(percent), level));
}

test('assess() throws on evidence without beginning or end', () => {
  const evidence = evidenceOf(methodFacts({}));
  assert.throws(() => document(evidence.slice(1)), TypeError);
  assert.throws(() => document(evidence.slice(0, -1)), TypeError);
});
