// Detection: an alert, the health page, and the first answer that shows the failure; three checks apart.
import type { Check, Checks } from './check.ts';
import { ids, seconds } from './check.ts';
import { healthDeviations } from './health.ts';
import { affectedAsks, type JudgedAsk, type MethodRun } from './method-run.ts';
import { shareAt } from './rubric.ts';

const alert: Check = ({ run, promises, rubric, say, healed }) => {
  if (!promises['alerts'] || !mustBeSeen(run, healed)) return null;
  const from = run.injected?.t ?? 0;
  const first = run.alerts.find((fact) => fact.t >= from);
  if (first === undefined) return { share: 0, because: say('simulate.because.no-alert'), evidence: [] };
  const ms = first.t - from;
  return {
    share: shareAt(rubric.bands.detection, ms / 1000),
    because: say('simulate.because.alert', { seconds: seconds(ms) }),
    evidence: [first.id],
  };
};

const health: Check = ({ run, promises, rubric, say, healed, healthBaseline }) => {
  if (!promises['health'] || !mustBeSeen(run, healed)) return null;
  const seen = healthSeen(run, healthBaseline);
  if (seen === null) return { share: 0, because: say('simulate.because.no-health'), evidence: ids(run.health, 3) };
  // A compromised key stays out after the fault: that its page goes on saying so is right.
  const returned = seen.returned || run.scenario === 'key-compromised';
  const facts = { seconds: seconds(seen.afterMs), what: seen.pointer };
  return {
    share: shareAt(rubric.bands.detection, seen.afterMs / 1000) * (returned ? 1 : 0.5),
    because: returned ? say('simulate.because.health', facts) : say('simulate.because.health-stuck', facts),
    evidence: seen.evidence,
  };
};

const notice: Check = ({ run, rubric, say, affected }) => {
  const shown = affected.filter((ask) => showsFault(ask, ask.disturbed)).sort((a, b) => a.ask.endT - b.ask.endT)[0];
  if (shown === undefined) {
    // Under load nothing need show: who answers as usual has nothing to tell.
    if (run.scenario === 'overload' && affected.every((ask) => ask.kind === 'served')) return null;
    return { share: 0, because: say('simulate.because.no-notice'), evidence: ids(affected.map(({ ask }) => ask)) };
  }
  const ms = shown.ask.endT - firstTouch(run);
  return {
    share: shareAt(rubric.bands.detection, ms / 1000),
    because: say('simulate.because.notice', { seconds: seconds(ms) }),
    evidence: [shown.ask.id],
  };
};

export const detectionChecks: Checks = { alert, health, notice };

/** A failure that nobody could notice need not be reported; a compromised key, a lost database and an overload always must be. */
function mustBeSeen(run: MethodRun, healed: boolean): boolean {
  return (
    !healed || run.scenario === 'key-compromised' || run.scenario === 'database-down' || run.scenario === 'overload'
  );
}

/** An answer shows the fault when it tells of it, or when it was won by a second attempt: then the target had noticed. A silence shows nothing. */
export function showsFault({ kind, calls }: JudgedAsk, disturbed: boolean): boolean {
  if (kind === 'limited' || kind === 'error') return true;
  if (kind !== 'served') return false;
  return disturbed || calls.some((call) => call.fault !== null);
}

/** When the fault first met a request: an earlier instant would charge the target for the simulator's own pause. */
export function firstTouch(run: MethodRun): number {
  const first = affectedAsks(run)[0]?.ask.t;
  return Math.max(run.injected?.t ?? 0, first ?? 0);
}

export interface HealthSeen {
  afterMs: number;
  pointer: string;
  returned: boolean;
  evidence: string[];
}

export function healthSeen(run: MethodRun, baseline: Parameters<typeof healthDeviations>[0]): HealthSeen | null {
  const from = run.injected?.t ?? Number.POSITIVE_INFINITY;
  const to = run.cleared?.t ?? Number.POSITIVE_INFINITY;
  // A page that does not answer has told nothing, as little as an unanswered question.
  const during = run.health.filter((fact) => fact.t >= from && fact.t <= to && fact.status !== null);
  const first = during.find((fact) => healthDeviations(baseline, fact).length > 0);
  if (first === undefined) return null;
  const left = new Set(during.flatMap((fact) => healthDeviations(baseline, fact)));
  const back = run.health.find((fact) => {
    if (fact.t <= to) return false;
    const still = new Set(healthDeviations(baseline, fact));
    return !still.has('status code') && [...left].some((pointer) => !still.has(pointer));
  });
  return {
    afterMs: Math.max(0, first.t - firstTouch(run)),
    pointer: [...left][0] ?? '',
    returned: back !== undefined,
    evidence: back === undefined ? [first.id] : [first.id, back.id],
  };
}
