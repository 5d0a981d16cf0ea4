// The table of an overload: usual, under load and the difference, and how the target gave way.
import { ids, median } from './check.ts';
import { affectedAsks, type JudgedAsk } from './method-run.ts';
import {
  measured,
  type Observation,
  recoveryOf,
  type Seen,
  type Table,
  type Value,
  worded,
  yesNo,
} from './observation.ts';
import { alertRow } from './observe-service.ts';

/** From here on the usual answer is slow already, and what the load adds says little. */
const slowBaselineMs = 1000;

export const loadTable: Table = (seen) => {
  const usual = seen.scored.flatMap(({ run }) => run.asks.filter(({ ask }) => ask.phase === 'baseline'));
  const loaded = seen.scored.flatMap(({ run }) => affectedAsks(run));
  const [calm, busy] = [timeOf(usual), timeOf(loaded.filter(isUseful))];
  return [
    ...three('response-time', calm, busy, 'ms', [usual, loaded]),
    ...three('success', rate(usual), rate(loaded), '%', [usual, loaded]),
    ...three('errors', failures(usual).length, failures(loaded).length, '', [usual, failures(loaded)]),
    stability(seen),
    ...recoveryRows(seen),
    worded(seen, 'load.baseline-slow', calm >= slowBaselineMs ? 'yes' : 'no', yesNo, idsOf(usual)),
    ...shapeRows(seen, shape(calm, loaded), loaded),
    priority(seen),
    protection(seen, loaded),
    { ...alertRow(seen), id: 'load.alert' },
  ];
};

function isUseful({ kind }: JudgedAsk): boolean {
  return kind === 'served' || kind === 'limited';
}
function failures(asks: readonly JudgedAsk[]): JudgedAsk[] {
  return asks.filter((ask) => !isUseful(ask));
}
function rate(asks: readonly JudgedAsk[]): number {
  return asks.length === 0 ? 0 : (100 * asks.filter(isUseful).length) / asks.length;
}
function timeOf(asks: readonly JudgedAsk[]): number {
  return median(asks.map(({ ask }) => ask.endT - ask.t));
}
function idsOf(asks: readonly JudgedAsk[]): string[] {
  return ids(asks.map(({ ask }) => ask));
}

/** Normal, under load, degradation; a side that was not seen is left out rather than shown as 0. */
function three(
  name: string,
  normal: number,
  loaded: number,
  unit: string,
  [before, under]: readonly [readonly JudgedAsk[], readonly JudgedAsk[]],
): Observation[] {
  const of = (column: string, value: number, asks: readonly JudgedAsk[]) =>
    Number.isNaN(value) ? [] : [measured(`load.${name}.${column}`, value, unit, idsOf(asks))];
  return [
    ...of('normal', normal, before),
    ...of('loaded', loaded, under),
    ...of('degradation', loaded - normal, under),
  ];
}

function stability(seen: Seen): Observation {
  const fallen = seen.scored.flatMap(({ run }) =>
    run.process.filter(({ state }) => state === 'exited' || state === 'restarted'),
  );
  return worded(
    seen,
    'load.stability.loaded',
    fallen.length > 0 ? 'unstable' : 'stable',
    ['stable', 'unstable'],
    ids(fallen),
  );
}

function recoveryRows(seen: Seen): Observation[] {
  const { value, evidence } = recoveryOf(seen);
  const times = seen.scored.flatMap(({ recoverMs }) => (recoverMs === null ? [] : [recoverMs]));
  return [
    worded(seen, 'load.recovery.loaded', value, ['automatic', 'manual', 'none'], evidence),
    ...(times.length === 0 ? [] : [measured('load.recovery.degradation', Math.max(...times), 'ms', evidence)]),
  ];
}

/** Abrupt: something failed although nothing that came before it in its method was slow. Gradual: slower first, or slower only. */
function shape(usualMs: number, loaded: readonly JudgedAsk[]): Value {
  const slow = (one: JudgedAsk) => one.ask.endT - one.ask.t > Math.max(2 * usualMs, usualMs + 200);
  const ordered = [...loaded].sort((a, b) => a.ask.t - b.ask.t);
  const firstFailure = ordered.findIndex((one) => !isUseful(one));
  const firstSlow = ordered.findIndex((one) => isUseful(one) && slow(one));
  if (firstFailure === -1) return firstSlow === -1 ? 'no-degradation' : 'gradual';
  return firstSlow !== -1 && firstSlow < firstFailure ? 'gradual' : 'abrupt';
}

const shapes = ['no-degradation', 'gradual', 'abrupt'] as const;

/** Against the steps where users came step by step; else as the answers of the fault tell. */
function shapeRows(seen: Seen, otherwise: Value, loaded: readonly JudgedAsk[]): Observation[] {
  const climbs = seen.scored.map(({ run }) => run.steps).filter((steps) => steps.length > 1);
  const worst = climbs.sort((a, b) => shapes.indexOf(shapeOfSteps(b)) - shapes.indexOf(shapeOfSteps(a)))[0];
  if (worst === undefined) return [worded(seen, 'load.shape', otherwise, shapes, idsOf(loaded))];
  const told = worst.map(({ users, medianMs, asked, answered }) => {
    const percent = Math.round((100 * answered) / asked);
    return seen.say('report.load.step', { users, ms: medianMs, percent });
  });
  return [
    worded(seen, 'load.shape', shapeOfSteps(worst), shapes, ids(worst)),
    { id: 'load.steps', value: told.join(' · '), scale: '', evidence: ids(worst) },
  ];
}

/**
 * Users double from step to step. No degradation: nobody is refused, and the last step takes at most twice the first.
 * Abrupt: within one step half of the answers are lost, or the time grows more than fourfold while users only doubled.
 */
export function shapeOfSteps(
  steps: readonly { asked: number; answered: number; medianMs: number }[],
): (typeof shapes)[number] {
  const success = ({ asked, answered }: (typeof steps)[number]) => (asked === 0 ? 0 : answered / asked);
  const time = ({ medianMs }: (typeof steps)[number]) => Math.max(medianMs, shortMs);
  const [first, last] = [steps[0], steps.at(-1)];
  if (first === undefined || last === undefined) return 'no-degradation';
  const breaks = steps.slice(1).some((step, index) => {
    const before = steps[index] ?? step;
    return success(before) - success(step) >= 0.5 || (success(step) > 0 && time(step) > 4 * time(before));
  });
  if (breaks) return 'abrupt';
  return steps.every((step) => success(step) === 1) && time(last) <= 2 * time(first) ? 'no-degradation' : 'gradual';
}

/** What is shorter is noise. */
const shortMs = 100;

function priority(seen: Seen): Observation {
  const scale = ['yes', 'partial', 'no'] as const;
  const checks = seen.scored.flatMap(({ checks: all }) => all.filter(({ id }) => id === 'priority'));
  const [worst] = checks.sort((a, b) => a.points / a.of - b.points / b.of);
  if (worst === undefined) return worded(seen, 'load.priority', 'not-assessed', scale, []);
  const value = worst.points === worst.of ? 'yes' : worst.points > 0 ? 'partial' : 'no';
  return worded(seen, 'load.priority', value, scale, worst.evidence);
}

/** It protects itself when it lived and refused openly what it could not do: a silence is what exhaustion looks like. */
function protection(seen: Seen, loaded: readonly JudgedAsk[]): Observation {
  const fallen = seen.scored.flatMap(({ run }) => run.process.filter(({ state }) => state === 'exited'));
  const silent = loaded.filter(({ kind }) => kind === 'silence').map(({ ask }) => ask);
  const safe = fallen.length === 0 && silent.length === 0;
  return worded(seen, 'load.protection', safe ? 'yes' : 'no', yesNo, ids([...fallen, ...silent]));
}
