// Detection: an alert, the health page, and the first answer that shows the failure; three checks apart.
import type { Check, CheckContext, Checks } from './check.ts';
import { ids, seconds } from './check.ts';
import { healthDeviations } from './health.ts';
import {
  affectedAsks,
  endedUnderFault,
  faultCalls,
  type JudgedAsk,
  listenerCuts,
  type MethodRun,
} from './method-run.ts';
import { shareAt } from './rubric.ts';

const alert: Check = (context) => {
  const { run, promises, rubric, say } = context;
  if (!promises['alerts'] || !mustBeSeen(context)) return null;
  const first = firstAlert(run);
  if (first === undefined) return { share: 0, because: say('simulate.because.no-alert'), evidence: whileOn(run) };
  const ms = alertedAfter(run, first);
  return {
    share: shareAt(rubric.bands.alert, ms / 1000),
    because: say('simulate.because.alert', { seconds: seconds(ms) }),
    evidence: [first.id],
  };
};

/** The first alert under the fault; one that kept coming before the fault too says nothing about it. */
export function firstAlert(run: MethodRun): MethodRun['alerts'][number] | undefined {
  const from = run.injected?.t ?? 0;
  const words = (body: string) => body.replace(/\d+/g, '#');
  const before = run.alerts.filter((fact) => fact.t < from).map((fact) => words(fact.body));
  const usual = new Set(before.filter((body, index) => before.indexOf(body) !== index));
  return run.alerts.find((fact) => fact.t >= from && !usual.has(words(fact.body)));
}

const health: Check = (context) => {
  const { run, promises, rubric, say, healthBaseline } = context;
  if (!promises['health'] || !mustBeSeen(context)) return null;
  const seen = healthSeen(run, healthBaseline);
  const ended = endedUnderFault(run);
  // A process that is gone has told nobody, but whoever looks at its page sees it at once.
  if (seen === null && ended !== undefined)
    return { share: 0.5, because: say('simulate.because.exited', { detail: ended.detail }), evidence: [ended.id] };
  if (seen === null)
    return {
      share: 0,
      because: say('simulate.because.no-health'),
      evidence: [...whileOn(run), ...ids(duringFault(run), 3)],
    };
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
  // What is to be ridden out is answered after the cut: how long the users waited is for UX.
  if (run.method === 'brief-cut') return null;
  const shown = affected
    .filter((ask) => showsFault(ask, ask.disturbed, run))
    .sort((a, b) => a.ask.endT - b.ask.endT)[0];
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

/** Told between the mark and the limit, while there was still something to ration. */
const foresight: Check = ({ run, promises, say, healthBaseline, calls }) => {
  if (!promises['alerts'] && !promises['health']) return null;
  const marked = calls.find((call) => (call.quotaUsed ?? 0) >= quotaMark);
  if (marked === undefined) return null;
  const limit = calls.find((call) => call.fault !== null)?.t ?? run.cleared?.t ?? Number.POSITIVE_INFINITY;
  const between = (fact: { t: number }) => fact.t >= marked.t && fact.t < limit;
  const alerted = run.alerts.find(between);
  if (alerted !== undefined)
    return {
      share: 1,
      because: say('simulate.because.foresight', { seconds: seconds(limit - alerted.t) }),
      evidence: [marked.id, alerted.id],
    };
  const shown = run.health.find((fact) => between(fact) && healthDeviations(healthBaseline, fact).length > 0);
  // A page that somebody must look at warns less than an alert, unless it is all that the target offers.
  if (shown !== undefined)
    return {
      share: promises['alerts'] ? 0.75 : 1,
      because: say('simulate.because.foresight-health', { seconds: seconds(limit - shown.t) }),
      evidence: [marked.id, shown.id],
    };
  return { share: 0, because: say('simulate.because.no-foresight'), evidence: [marked.id] };
};

/** The share of a quota from which its end should be foreseen. */
const quotaMark = 0.8;

/** That nothing came is shown by when it could have come. */
function whileOn({ injected, cleared }: MethodRun): string[] {
  return ids([injected, cleared].filter((fact) => fact !== null));
}

export const detectionChecks: Checks = { alert, health, notice, foresight };

/**
 * A failure that nobody could notice need not be reported; a compromised key, a lost database and a saturated processor
 * always must be. A brief cut is to be ridden out, not reported. Whoever waited longer than such a cut has noticed.
 */
function mustBeSeen({ run, healed, affected }: CheckContext): boolean {
  if (run.method === 'brief-cut') return false;
  if (run.scenario === 'key-compromised' || run.scenario === 'database-down' || run.method === 'cpu') return true;
  return !healed || affected.some(({ ask }) => ask.endT - ask.t > unnoticedMs);
}

/** A brief cut of 5 s, and time to be back. */
const unnoticedMs = 8_000;

/** An answer shows the fault when it tells of it, or when it was won by a second attempt: then the target had noticed. A silence shows nothing. */
export function showsFault({ kind, calls }: JudgedAsk, disturbed: boolean, run: MethodRun): boolean {
  if (kind === 'limited' || kind === 'error') return true;
  if (kind !== 'served') return false;
  // While the listener was closed no first attempt can have been served.
  if (listenerCuts.has(run.method)) return true;
  return disturbed || calls.some((call) => call.fault !== null);
}

/** A target that the simulator restarts, or whose quota has yet to run out, is not late before there is something to tell. */
export function alertedAfter(run: MethodRun, alert: { t: number }): number {
  const later = run.method === 'progressive' || run.process.some((fact) => fact.state === 'reconfigured');
  return Math.max(0, alert.t - (later ? firstTouch(run) : (run.injected?.t ?? 0)));
}

/** When the fault first met a request: an earlier instant would charge the target for the simulator's own pause. */
export function firstTouch(run: MethodRun): number {
  if (run.method === 'progressive') return faultCalls(run).find((call) => call.fault !== null)?.t ?? 0;
  const first = affectedAsks(run)[0]?.ask.t;
  return Math.max(run.injected?.t ?? 0, first ?? 0);
}

export interface HealthSeen {
  afterMs: number;
  pointer: string;
  returned: boolean;
  evidence: string[];
}

function duringFault(run: MethodRun): MethodRun['health'] {
  const from = run.injected?.t ?? Number.POSITIVE_INFINITY;
  const to = run.cleared?.t ?? Number.POSITIVE_INFINITY;
  return run.health.filter((fact) => fact.t >= from && fact.t <= to);
}

export function healthSeen(run: MethodRun, baseline: Parameters<typeof healthDeviations>[0]): HealthSeen | null {
  const to = run.cleared?.t ?? Number.POSITIVE_INFINITY;
  // A page that does not answer has told nothing, as little as an unanswered question.
  const during = duringFault(run).filter((fact) => fact.status !== null);
  const first = during.find((fact) => healthDeviations(baseline, fact).length > 0);
  if (first === undefined) return null;
  const left = new Set(during.flatMap((fact) => healthDeviations(baseline, fact)));
  // Words tell how a page is; where words left, counters that come back beside them say nothing.
  const words = [...left].filter(
    (one) => one === 'status code' || /^("|true|false)/.test(baseline.steady.get(one) ?? ''),
  );
  const telling = words.length > 0 ? words : [...left];
  const back = run.health.find((fact) => {
    if (fact.t <= to) return false;
    const still = new Set(healthDeviations(baseline, fact));
    return !still.has('status code') && telling.some((one) => !still.has(one));
  });
  return {
    afterMs: Math.max(0, first.t - firstTouch(run)),
    pointer: [...left][0] ?? '',
    returned: back !== undefined,
    evidence: back === undefined ? [first.id] : [first.id, back.id],
  };
}
