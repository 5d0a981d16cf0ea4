// Two runs side by side: every cell, the checks that changed, the leaks that came and went, and the times.
import {
  type CheckResult,
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
export interface ComparedCell extends Both<number> {
  scenario: ScenarioId;
  dimension: Dimension;
  /** Points gained; null when one of the runs could not assess the cell. */
  change: number | null;
  worse: boolean;
}
type CheckMark = Pick<CheckResult, 'passed' | 'points' | 'of' | 'because'>;
export interface ComparedCheck extends Both<CheckMark> {
  scenario: ScenarioId;
  method: MethodId;
  check: string;
}
export interface PlacedLeak extends Pick<Leak, 'canary' | 'pattern' | 'channel'> {
  scenario: ScenarioId;
  method: MethodId;
}
export const timingNames = ['detectMs', 'noticeMs', 'recoverMs'] as const;
export interface ComparedTiming extends Both<number> {
  scenario: ScenarioId;
  method: MethodId;
  timing: (typeof timingNames)[number];
}
export const conditions = ['target', 'pace', 'runs', 'seed', 'rubric'] as const;
type Condition = (typeof conditions)[number];

export interface Comparison {
  schema: 'rempart/comparison@1';
  before: RunHead;
  after: RunHead;
  /** What was not the same for both: then a change may come from it and not from the target. */
  differs: Condition[];
  cells: ComparedCell[];
  /** Only those whose points changed, or that only one run has. */
  checks: ComparedCheck[];
  leaks: { appeared: PlacedLeak[]; gone: PlacedLeak[] };
  timings: ComparedTiming[];
  /** The second is worse by more than `tolerance` points in a cell. */
  worse: boolean;
}

type RunHead = Pick<Simulation, 'target' | 'pace' | 'runs' | 'seed' | 'startedAt' | 'score' | 'percent' | 'level'> & {
  rubric: string;
  leaks: number;
};

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

function headOf(doc: Simulation): RunHead {
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

function mark({ checks }: MethodResult, id: string): CheckMark | null {
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
