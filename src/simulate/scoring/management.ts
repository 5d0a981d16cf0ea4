// Management: everyone is answered and honestly, what heals is retried with spacing, what cannot heal is left alone, the spare is used.
import type { MethodId } from '../../platform/documents/simulation.ts';
import type { Check, CheckContext, Checks, TellingAsk } from './check.ts';
import { ids, median, seconds } from './check.ts';
import { endedUnderFault, type UpstreamCall } from './method-run.ts';

/** Waiting longer than this for any answer at all counts as silence. */
const answerBudgetMs = 15_000;

const answered: Check = ({ affected, say }) => {
  if (affected.length === 0) return null;
  // What only poses as an answer has left the question unanswered.
  const silent = affected.filter(
    ({ kind, ask }) => kind === 'silence' || kind === 'posed' || ask.endT - ask.t > answerBudgetMs,
  );
  return {
    share: 1 - silent.length / affected.length,
    because: say('simulate.because.answered', { answered: affected.length - silent.length, asked: affected.length }),
    evidence: ids((silent.length > 0 ? silent : affected).map(({ ask }) => ask)),
  };
};

const honest: Check = ({ affected, say, rubric }) => {
  if (affected.length === 0) return null;
  const posed = affected.filter(({ kind }) => kind === 'posed');
  if (posed.length > 0) {
    return {
      share: 0,
      because: say('simulate.because.posed', { count: posed.length, asked: affected.length }),
      evidence: ids(posed.map(({ ask }) => ask)),
    };
  }
  const worth = affected.map((ask) => rubric.answers[answerWorth(ask)]);
  const count = (kind: TellingAsk['kind']) => affected.filter((ask) => ask.kind === kind).length;
  return {
    share: worth.reduce((a, b) => a + b, 0) / worth.length,
    because: say('simulate.because.honest', {
      served: count('served'),
      limited: count('limited'),
      error: count('error'),
      silence: count('silence'),
    }),
    evidence: ids(affected.map(({ ask }) => ask)),
  };
};

function answerWorth(ask: TellingAsk): keyof CheckContext['rubric']['answers'] {
  if (ask.kind !== 'error') return ask.kind;
  // An error that calls itself a success misleads every program between; a stream had to begin before it knew.
  const { status, headers } = ask.ask;
  const posesAsSuccess = (status ?? 500) < 400 && !/event-stream|ndjson/.test(headers['content-type'] ?? '');
  // A fitting message answers one of a user's questions plainly, or two in whatever words: how well it does is for UX.
  const { what, does, when, plain } = ask.wording;
  const questions = [what, does, when].filter(Boolean).length;
  return questions >= (plain ? 1 : 2) && !posesAsSuccess ? 'error' : 'bare-error';
}

/** Retries closer than this are a storm, not a second chance. */
const leastSpacingMs = 80;
const mostAttempts = 6;
/** Where the refusal itself says how long to wait; a little less is forgiven, since clocks are rounded. */
export const askedToWaitMs: Partial<Record<MethodId, number>> = {
  'unavailable-retry-after': 1000,
  'rate-limited': 1000,
};

const retried: Check = ({ run, calls, affected, say }) => {
  const byMarker = attemptsByMarker(calls, affected);
  if (byMarker.length === 0) return null;
  const most = Math.max(...byMarker.map((attempts) => attempts.length));
  const again = byMarker.filter((attempts) => attempts.length >= 2);
  const evidence = ids((again[0] ?? byMarker[0] ?? []) as UpstreamCall[]);
  if (again.length === 0) return { share: 0, because: say('simulate.because.not-tried-again'), evidence };
  const gaps = again.flatMap((attempts) => attempts.slice(1).map((call, i) => call.t - attempts[i]!.endT));
  const tight = Math.min(...gaps);
  if (most > mostAttempts || tight < leastSpacingMs) {
    return { share: 0.25, because: say('simulate.because.storm', { most, ms: Math.round(tight) }), evidence };
  }
  const asked = askedToWaitMs[run.method] ?? 0;
  if (tight < 0.9 * asked) {
    const because = say('simulate.because.retried-too-soon', { ms: Math.round(tight), asked });
    return { share: 0.4, because, evidence };
  }
  // Where the first attempt of each message breaks, each message had its chance to be tried again.
  const share = run.method === 'mid-request' ? again.length / byMarker.length : 1;
  return { share, because: say('simulate.because.retried', { most, ms: Math.round(median(gaps)) }), evidence };
};

const notRetried: Check = ({ calls, affected, say }) => {
  const byMarker = attemptsByMarker(calls, affected);
  if (byMarker.length === 0) return null;
  // Another key may have a quota of its own: only the same key again is hopeless.
  const again = (attempts: readonly UpstreamCall[]) =>
    Math.max(...attempts.map(({ key }) => attempts.filter((call) => call.key === key).length));
  const most = Math.max(...byMarker.map(again));
  return {
    share: most <= 1 ? 1 : most === 2 ? 0.5 : 0,
    because: say('simulate.because.hopeless', { most }),
    evidence: ids(byMarker.find((attempts) => again(attempts) === most) ?? []),
  };
};

const refusedKey: Check = ({ run, calls, say }) => {
  const refused = calls.filter((call) => call.status === 401 || call.status === 403);
  // A key that is refused only now and then is compromised all the same: every use from the first refusal on counts.
  const from = refused[0]?.t ?? Number.POSITIVE_INFINITY;
  const counted = run.method === 'streak' ? calls.filter((call) => call.t >= from && call.key === 'primary') : refused;
  const uses = Math.max(
    ...(['primary', 'spare', 'other', 'none'] as const).map((key) => counted.filter((call) => call.key === key).length),
  );
  if (refused.length === 0) return null;
  return {
    share: uses <= 3 ? 1 : Math.max(0, 1 - (uses - 3) / 6),
    because: say('simulate.because.refused-key', { uses }),
    evidence: ids(counted),
  };
};

const rodeOut: Check = ({ affected, say }) => {
  if (affected.length === 0) return null;
  const lost = affected.filter(({ kind }) => kind !== 'served');
  return {
    share: 1 - lost.length / affected.length,
    because: say('simulate.because.rode-out', { served: affected.length - lost.length, asked: affected.length }),
    evidence: ids((lost.length > 0 ? lost : affected).map(({ ask }) => ask)),
  };
};

const spare: Check = ({ calls, promises, affected, say }) => {
  if (!promises['spareKey']) return null;
  const used = calls.filter((call) => call.key === 'spare' && call.outcome === 'passed');
  return {
    share: used.length > 0 ? 1 : 0,
    because: used.length > 0 ? say('simulate.because.spare', { count: used.length }) : say('simulate.because.no-spare'),
    evidence: ids(used.length > 0 ? used : affected.map(({ ask }) => ask)),
  };
};

const continuity: Check = ({ run, affected, say }) => {
  const tried = run.functions.filter((fact) => fact.phase === 'fault');
  const talks = affected.filter(({ ask }) => ask.user === 'newcomer');
  const marks = [
    ...tried.map((fact) => (fact.works ? 1 : fact.status === null ? 0 : 0.25)),
    ...(talks.length > 0 ? [talks.some((ask) => ask.kind === 'served') ? 1 : 0] : []),
  ];
  if (marks.length === 0) return null;
  const working = marks.reduce((a, b) => a + b, 0) / marks.length;
  return {
    // All of it continued, or a part did: a part is worth at most half.
    share: working === 1 ? 1 : working / 2,
    because: say('simulate.because.continuity', {
      works: marks.filter((mark) => mark === 1).length,
      tried: marks.length,
    }),
    evidence: ids(tried),
  };
};

/** What three of four values do not exceed. */
function upperQuarter(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.ceil(0.75 * sorted.length) - 1] ?? Number.NaN;
}

const pace: Check = ({ run, affected, say }) => {
  const usual = median(run.asks.filter(({ ask }) => ask.phase === 'baseline').map(({ ask }) => ask.endT - ask.t));
  const served = affected.filter(({ kind }) => kind === 'served' || kind === 'limited');
  if (affected.length === 0 || Number.isNaN(usual)) return null;
  // The slower quarter tells: the first answers often come before the load is felt.
  const loaded = upperQuarter(served.map(({ ask }) => ask.endT - ask.t));
  const ratio = loaded / Math.max(usual, 1);
  const speed =
    served.length === 0 ? 0 : loaded <= 1000 || ratio <= 2 ? 1 : ratio <= 5 ? 0.75 : ratio <= 10 ? 0.5 : 0.25;
  return {
    share: speed * (served.length / affected.length),
    because: say('simulate.because.pace', {
      usual: seconds(usual),
      loaded: Number.isNaN(loaded) ? '–' : seconds(loaded),
      served: served.length,
      asked: affected.length,
    }),
    evidence: ids(affected.map(({ ask }) => ask)),
  };
};

const priority: Check = ({ affected, promises, say }) => {
  if (!promises['admin']) return null;
  const of = (identity: string) =>
    upperQuarter(affected.filter(({ ask }) => ask.identity === identity).map(({ ask }) => ask.endT - ask.t));
  const [admin, user] = [of('admin'), of('user')];
  if (Number.isNaN(admin) || Number.isNaN(user)) return null;
  return {
    share: admin <= user * 1.3 + 100 ? 1 : admin <= user * 2 + 100 ? 0.5 : 0,
    because: say('simulate.because.priority', { admin: seconds(admin), user: seconds(user) }),
    evidence: ids(affected.map(({ ask }) => ask)),
  };
};

/** A process that ended under the fault manages nothing, whatever it did before. */
function unlessEnded(check: Check): Check {
  return (context) => {
    const { run, say } = context;
    const ended = endedUnderFault(run);
    const outcome = check(context);
    if (ended === undefined || outcome === null) return outcome;
    return { share: 0, because: say('simulate.because.exited', { detail: ended.detail }), evidence: [ended.id] };
  };
}

export const managementChecks: Checks = Object.fromEntries(
  Object.entries({
    answered,
    honest,
    retried,
    'rode-out': rodeOut,
    'not-retried': notRetried,
    'refused-key': refusedKey,
    spare,
    continuity,
    pace,
    priority,
  }).map(([id, check]) => [id, unlessEnded(check)]),
);

/** The upstream calls of each affected message, in order; messages that caused none (an open breaker) are left out. */
function attemptsByMarker(calls: readonly UpstreamCall[], affected: readonly TellingAsk[]): UpstreamCall[][] {
  return affected
    .map(({ ask }) => calls.filter((call) => call.marker === ask.marker).sort((a, b) => a.t - b.t))
    .filter((attempts) => attempts.length > 0 && attempts.some((call) => call.fault !== null));
}
