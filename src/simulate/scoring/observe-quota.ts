// The five strategies against an exhausted quota, each out of 5 from evidence, and the four questions of economy.
import { ids } from './check.ts';
import { affectedAsks, faultCalls, type JudgedAsk, type MethodRun } from './method-run.ts';
import {
  clarity,
  informationRow,
  measured,
  type Observation,
  recoveryRow,
  type Seen,
  shareOf,
  type Table,
  type Value,
  worded,
  worstCheck,
  yesNo,
} from './observation.ts';

/** Share of a strategy 0..1; null where nothing in the run could show it. */
export interface Strategy {
  share: number | null;
  evidence: string[];
}

export const quotaTable: Table = (seen) => [
  ...strategies(seen).flatMap(([name, strategy]) => strategyRows(seen, name, strategy)),
  forecast(seen),
  whoFirst(seen),
  informationRow(seen, 'economy.communication'),
  recoveryRow(seen, 'economy.resumes'),
  ...resumeTime(seen),
];

export function strategies(seen: Seen): (readonly [name: string, strategy: Strategy])[] {
  const runs = seen.scored.map(({ run }) => run);
  return [
    ['prevention', prevention(seen)],
    ['rationing', rationing(runs)],
    ['communication', communication(seen)],
    ['queue', queue(runs)],
    ['fallback', fallback(runs)],
  ];
}

/** Less than this share is no strategy but an accident. */
const inPlace = 0.4;

function strategyRows(seen: Seen, name: string, { share, evidence }: Strategy): Observation[] {
  const value: Value = share === null ? 'not-assessed' : share >= inPlace ? 'yes' : 'no';
  return [
    worded(seen, `strategy.${name}`, value, yesNo, evidence),
    ...(share === null ? [] : [measured(`strategy.${name}.grade`, Math.round(50 * share) / 10, '/ 5', evidence)]),
  ];
}

/** Told that the quota nears its end while there was still something to ration. */
function prevention(seen: Seen): Strategy {
  const found = worstCheck(seen, 'foresight');
  return found === undefined ? { share: null, evidence: [] } : { share: shareOf(found), evidence: found.evidence };
}

/** The share of a quota from which it is spared. */
const quotaMark = 0.8;

/**
 * Whole: near the end, some messages were answered without spending a call while others were served, or administrators were served before users.
 * Three fifths: only once nothing was left were further calls held back.
 */
function rationing(runs: readonly MethodRun[]): Strategy {
  const affected = runs.flatMap(affectedAsks);
  const preferred = preferredAdmins(affected);
  if (preferred === true) return { share: 1, evidence: idsOf(affected) };
  for (const run of runs) {
    const calls = faultCalls(run);
    const mark = calls.find(({ quotaUsed }) => (quotaUsed ?? 0) >= quotaMark)?.t;
    const limit = calls.find(({ fault }) => fault !== null)?.t ?? run.cleared?.t ?? Number.POSITIVE_INFINITY;
    if (mark === undefined) continue;
    const near = affectedAsks(run).filter(({ ask }) => ask.t >= mark && ask.t < limit);
    const spared = near.filter(({ calls: spent, kind }) => spent.length === 0 && kind !== 'silence');
    if (spared.length > 0 && near.some(({ kind }) => kind === 'served'))
      return { share: 1, evidence: idsOf([...spared, ...near]) };
  }
  const refused = runs.map((run) => ({ run, after: afterFirstRefusal(run) })).filter(({ after }) => after.length > 0);
  if (refused.length === 0) return { share: null, evidence: [] };
  const held = refused.flatMap(({ after }) =>
    after.filter(({ calls, kind }) => calls.length === 0 && kind !== 'silence'),
  );
  return { share: held.length > 0 ? 0.6 : 0, evidence: idsOf(held.length > 0 ? held : affected) };
}

function afterFirstRefusal(run: MethodRun): JudgedAsk[] {
  const first = faultCalls(run).find(({ fault, status }) => fault !== null && status === 429);
  return first === undefined ? [] : affectedAsks(run).filter(({ ask }) => ask.t > first.t);
}

/** Null where only one kind of user asked. */
function preferredAdmins(asks: readonly JudgedAsk[]): boolean | null {
  const rate = (identity: string) => {
    const mine = asks.filter(({ ask }) => ask.identity === identity);
    return mine.length === 0 ? null : mine.filter(({ kind }) => kind === 'served').length / mine.length;
  };
  const [admin, user] = [rate('admin'), rate('user')];
  return admin === null || user === null ? null : admin > user;
}

function communication(seen: Seen): Strategy {
  const told = clarity(seen);
  return told === null ? { share: null, evidence: [] } : told;
}

const promise =
  /(sera|seront|vous sera) (traitée?s?|envoyée?s?|répondu)|réponse (vous )?(sera|différée)|mise? en (file|attente)|différée?|will be (answered|sent|processed|handled)|deferred|queued/i;

/** Whole: what was not answered at once was asked again after its request had ended. Two fifths: only promised. */
function queue(runs: readonly MethodRun[]): Strategy {
  const waiting = runs.flatMap((run) => unserved(run).map((one) => ({ one, run })));
  if (waiting.length === 0) return { share: null, evidence: [] };
  const later = waiting.flatMap(({ one, run }) => {
    const call = run.calls.find(
      ({ marker, t, status }) => marker === one.ask.marker && t > one.ask.endT && status !== null && status < 400,
    );
    return call === undefined ? [] : [{ ask: one.ask, call }];
  });
  if (later.length > 0)
    return { share: later.length / waiting.length, evidence: later.flatMap(({ ask, call }) => [ask.id, call.id]) };
  const promised = waiting.filter(({ one }) => promise.test(one.ask.body)).map(({ one }) => one);
  return {
    share: promised.length > 0 ? 0.4 : 0,
    evidence: idsOf(promised.length > 0 ? promised : waiting.map(({ one }) => one)),
  };
}

/** An honest limited answer where the model could give none. */
function fallback(runs: readonly MethodRun[]): Strategy {
  const waiting = runs.flatMap(unserved);
  if (waiting.length === 0) return { share: null, evidence: [] };
  const limited = waiting.filter(({ kind }) => kind === 'limited');
  return { share: limited.length / waiting.length, evidence: idsOf(limited.length > 0 ? limited : waiting) };
}

function unserved(run: MethodRun): JudgedAsk[] {
  return affectedAsks(run).filter(({ kind }) => kind !== 'served');
}

function idsOf(asks: readonly JudgedAsk[]): string[] {
  return ids(asks.map(({ ask }) => ask));
}

function forecast(seen: Seen): Observation {
  const { share, evidence } = prevention(seen);
  return worded(seen, 'economy.forecast', share === null ? 'not-assessed' : share > 0 ? 'yes' : 'no', yesNo, evidence);
}

function whoFirst(seen: Seen): Observation {
  const asks = seen.scored.flatMap(({ run }) => affectedAsks(run));
  const preferred = preferredAdmins(asks);
  const value: Value = preferred === null ? 'not-assessed' : preferred ? 'administrators' : 'arrival';
  return worded(seen, 'economy.priority', value, ['administrators', 'arrival'], idsOf(asks));
}

function resumeTime(seen: Seen): Observation[] {
  const times = seen.scored.flatMap(({ recoverMs }) => (recoverMs === null ? [] : [recoverMs]));
  if (times.length === 0) return [];
  return [measured('economy.resumes-after', Math.max(...times), 'ms', worstCheck(seen, 'back')?.evidence ?? [])];
}
