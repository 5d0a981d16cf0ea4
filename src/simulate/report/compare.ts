// Two runs side by side: every cell, the checks that changed, the leaks that came and went, and the times.
import {
  type ComparedCell,
  type ComparedCheck,
  type ComparedTiming,
  type Comparison,
  conditions,
  type PlacedLeak,
  timingNames,
} from '../../platform/documents/comparison.ts';
import {
  type Dimension,
  dimensions,
  type Leak,
  type MethodId,
  type MethodResult,
  type ScenarioId,
  type Simulation,
  scenarioIds,
} from '../../platform/documents/simulation.ts';

/** A loss of more points than this in one cell is no noise: two runs with one seed differ by at most this much. */
export const tolerance = 2;

interface Both<T> {
  before: T | null;
  after: T | null;
}

export function compareRuns(before: Simulation, after: Simulation): Comparison {
  const heads = { before: headOf(before), after: headOf(after) };
  const cells = comparedCells(before, after);
  const pairs = methodPairs(before, after);
  return {
    schema: 'rempart/comparison@1',
    ...heads,
    differs: conditions.filter((name) => heads.before[name] !== heads.after[name]),
    cells,
    checks: pairs.flatMap(changedChecks),
    leaks: {
      appeared: pairs.flatMap((pair) => leaksOnlyIn(pair, pair.after, pair.before)),
      gone: pairs.flatMap((pair) => leaksOnlyIn(pair, pair.before, pair.after)),
    },
    timings: pairs.flatMap(comparedTimings),
    worse: cells.some((cell) => cell.worse),
  };
}

function headOf(doc: Simulation): Comparison['before'] {
  const { target, pace, runs, seed, startedAt, score, percent, level } = doc;
  const leaks = doc.scenarios.reduce(
    (sum, { methods }) => sum + methods.reduce((n, one) => n + one.leaks.length, 0),
    0,
  );
  return { target, pace, runs, seed, startedAt, score, percent, level, rubric: doc.rubric.sha256, leaks };
}

function comparedCells(before: Simulation, after: Simulation): ComparedCell[] {
  const cell = (doc: Simulation, id: ScenarioId, dimension: Dimension) =>
    doc.scenarios.find((scenario) => scenario.id === id)?.scores[dimension] ?? null;
  return scenarioIds.flatMap((scenario) =>
    dimensions.map((dimension) => {
      const both = { before: cell(before, scenario, dimension), after: cell(after, scenario, dimension) };
      const change = both.before === null || both.after === null ? null : round(both.after - both.before);
      return { scenario, dimension, ...both, change, worse: change !== null && change < -tolerance };
    }),
  );
}

interface MethodPair extends Both<MethodResult> {
  scenario: ScenarioId;
  method: MethodId;
}

function methodPairs(before: Simulation, after: Simulation): MethodPair[] {
  const of = (doc: Simulation, id: ScenarioId) => doc.scenarios.find((scenario) => scenario.id === id)?.methods ?? [];
  return scenarioIds.flatMap((scenario) => {
    const [first, second] = [of(before, scenario), of(after, scenario)];
    const methods = [...new Set([...first, ...second].map(({ id }) => id))];
    return methods.map((method) => ({
      scenario,
      method,
      before: first.find(({ id }) => id === method) ?? null,
      after: second.find(({ id }) => id === method) ?? null,
    }));
  });
}

/** A method that only one of the runs has says nothing about a change. */
function changedChecks({ scenario, method, before, after }: MethodPair): ComparedCheck[] {
  if (before?.outcome !== 'scored' || after?.outcome !== 'scored') return [];
  const names = [...new Set([...before.checks, ...after.checks].map(({ id }) => id))];
  return names.flatMap((check): ComparedCheck[] => {
    const [first, second] = [mark(before, check), mark(after, check)];
    const same = first !== null && second !== null && first.points === second.points && first.of === second.of;
    return same ? [] : [{ scenario, method, check, before: first, after: second }];
  });
}

function mark({ checks }: MethodResult, id: string): ComparedCheck['before'] {
  const found = checks.find((check) => check.id === id);
  if (found === undefined) return null;
  const { passed, points, of, because } = found;
  return { passed, points, of, because };
}

function leaksOnlyIn(
  { scenario, method }: MethodPair,
  here: MethodResult | null,
  there: MethodResult | null,
): PlacedLeak[] {
  if (here?.outcome !== 'scored' || there?.outcome !== 'scored') return [];
  const name = ({ canary, pattern, channel }: Leak) => `${canary ?? ''}|${pattern ?? ''}|${channel}`;
  const known = new Set(there.leaks.map(name));
  return here.leaks
    .filter((leak) => !known.has(name(leak)))
    .map(({ canary, pattern, channel }) => ({
      scenario,
      method,
      channel,
      ...(canary === undefined ? {} : { canary }),
      ...(pattern === undefined ? {} : { pattern }),
    }));
}

function comparedTimings({ scenario, method, before, after }: MethodPair): ComparedTiming[] {
  if (before?.outcome !== 'scored' || after?.outcome !== 'scored') return [];
  return timingNames.flatMap((timing) => {
    const both = {
      before: before.timings[timing]?.median ?? null,
      after: after.timings[timing]?.median ?? null,
    };
    return both.before === null && both.after === null ? [] : [{ scenario, method, timing, ...both }];
  });
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
