// One run of one method, judged: was it proved, which checks apply, what each is worth, what leaked.
import { type CheckResult, type Dimension, dimensions, type MethodId } from '../../platform/documents/simulation.ts';
import type { Say } from '../../platform/i18n/say.ts';
import type { EvidenceOf } from '../scenarios/evidence.ts';
import type { Scores } from './assess.ts';
import type { CheckContext, Checks, TellingAsk } from './check.ts';
import { alertedAfter, detectionChecks, firstAlert, firstTouch, healthSeen, showsFault } from './detection.ts';
import { healthBaseline } from './health.ts';
import { type ChannelText, type FoundLeak, findLeaks } from './leaks.ts';
import { managementChecks } from './management.ts';
import { affectedAsks, brokeOff, faultCalls, type JudgedAsk, listenerCuts, type MethodRun } from './method-run.ts';
import { recoveredAt, recoveryChecks } from './recovery.ts';
import type { Rubric } from './rubric.ts';
import { securityChecks } from './security.ts';
import { toldIn, type Usual } from './telling.ts';
import { uxChecks } from './ux.ts';
import { judgeWording } from './wording.ts';

export interface MethodAssessment {
  run: MethodRun;
  outcome: 'scored' | 'inconclusive' | 'invalid';
  why: string | null;
  affected: number;
  attempts: number;
  leaks: FoundLeak[];
  checks: CheckResult[];
  scores: Scores;
  detectMs: number | null;
  noticeMs: number | null;
  recoverMs: number | null;
}

interface Frame {
  begin: EvidenceOf<'run-begin'>;
  rubric: Rubric;
  say: Say;
}

const allChecks: Checks = {
  ...detectionChecks,
  ...managementChecks,
  ...recoveryChecks,
  ...uxChecks,
  ...securityChecks,
};

export function assessMethodRun(run: MethodRun, { begin, rubric, say }: Frame): MethodAssessment {
  const affected = affectedAsks(run).map((ask) => telling(ask, begin.language, run.usual));
  const calls = faultCalls(run);
  const base = { run, affected: touchedCount(run, affected), attempts: calls.length };
  const problem = problemOf(run, affected, { rubric, say });
  if (problem !== null) {
    const none = Object.fromEntries(dimensions.map((d) => [d, null])) as Scores;
    return {
      ...base,
      ...problem,
      leaks: [],
      checks: [],
      scores: none,
      detectMs: null,
      noticeMs: null,
      recoverMs: null,
    };
  }
  const leaks = findLeaks(run.begin.canaries, channelsOf(run)).concat(storedLeaks(run));
  const healed = affected.length > 0 && affected.every((ask) => ask.kind === 'served' && !ask.disturbed);
  const context: CheckContext = {
    run,
    promises: begin.promises,
    rubric,
    say,
    affected,
    calls,
    leaks,
    healed,
    healthBaseline: healthBaseline(run.health.filter((fact) => fact.phase === 'baseline')),
  };
  const checks = applicable(run, rubric).flatMap((id): CheckResult[] => {
    const outcome = allChecks[id]?.(context) ?? null;
    const entry = rubric.checks[id];
    if (outcome === null || entry === undefined) return [];
    const points = Math.round(entry.of * Math.min(1, Math.max(0, outcome.share)) * 100) / 100;
    return [
      {
        id,
        dimension: entry.dimension,
        passed: outcome.share >= 0.75,
        points,
        of: entry.of,
        because: outcome.because,
        evidence: outcome.evidence,
      },
    ];
  });
  return { ...base, outcome: 'scored', why: null, leaks, checks, scores: cellsOf(checks), ...timings(context) };
}

function applicable(run: MethodRun, rubric: Rubric) {
  return [...rubric.everywhere, ...(rubric.methods[`${run.scenario}/${run.method}`] ?? [])];
}

function cellsOf(checks: readonly CheckResult[]): Scores {
  const cell = (dimension: Dimension) => {
    const mine = checks.filter((check) => check.dimension === dimension);
    const of = mine.reduce((sum, check) => sum + check.of, 0);
    return of === 0 ? null : Math.round((2000 * mine.reduce((sum, check) => sum + check.points, 0)) / of) / 100;
  };
  return Object.fromEntries(dimensions.map((dimension) => [dimension, cell(dimension)])) as Scores;
}

/** A result counts only if the baseline was sound and the fault was proved to have touched a request. */
function problemOf(
  run: MethodRun,
  affected: readonly TellingAsk[],
  { rubric, say }: Pick<Frame, 'rubric' | 'say'>,
): { outcome: 'inconclusive' | 'invalid'; why: string } | null {
  if (run.why !== null) return { outcome: run.why.kind, why: run.why.text };
  const { calmBelow } = rubric.machine;
  const busy = Math.max(0, ...run.machine.map((fact) => fact.busy));
  if (busy >= calmBelow) {
    const facts = { busy: Math.round(busy * 100), limit: Math.round(calmBelow * 100) };
    return { outcome: 'inconclusive', why: say('simulate.why.busy-machine', facts) };
  }
  if (run.injected === null || run.cleared === null)
    return { outcome: 'inconclusive', why: say('simulate.why.not-run') };
  if (!run.injected.proved || !run.cleared.proved) {
    return {
      outcome: 'inconclusive',
      why: say('simulate.why.not-proved', { proof: run.cleared.proof || run.injected.proof }),
    };
  }
  if (touchedCount(run, affected) === 0) return { outcome: 'inconclusive', why: say('simulate.why.not-touched') };
  return null;
}

/** Faults that keep a call from arriving, or that live in the target's own settings: the keeper proved them by other means. */
const belowHttp: ReadonlySet<MethodId> = new Set<MethodId>([
  ...listenerCuts,
  'blackhole-connect',
  'proxy-dead',
  'wrong-url',
  'timeout',
]);

/** Calls that the fault changed; for faults that leave no trace in the ledger, the asks made while it was proved to be on. */
function touchedCount(run: MethodRun, affected: readonly TellingAsk[]): number {
  const inLedger = faultCalls(run).filter((call) => call.fault !== null).length;
  const elsewhere = run.scenario === 'database-down' || run.scenario === 'overload' || belowHttp.has(run.method);
  return elsewhere ? affected.length : inLedger;
}

function telling(judged: JudgedAsk, language: 'fr' | 'en', usual: Usual): TellingAsk {
  const { ask, kind } = judged;
  const { all, aside, asideAdmits } = toldIn(ask, usual);
  // In a served answer the model's own text is not about the failure, nor in one that broke off; all the rest of the body is.
  const ownWords = kind === 'served' || (asideAdmits && brokeOff(judged));
  const disturbed = kind === 'served' ? ask.answer !== ask.body && asideAdmits : true;
  return { ...judged, disturbed, wording: judgeWording(ownWords ? aside : all, language) };
}

function channelsOf(run: MethodRun): ChannelText[] {
  const calm = (phase: string) => phase === 'baseline';
  return [
    ...run.asks.flatMap(({ ask, kind }): ChannelText[] => [
      {
        channel: 'reply',
        text: ask.body,
        baseline: calm(ask.phase),
        evidence: ask.id,
        ...(kind === 'served' ? { ownWords: withoutAnswer(ask) } : {}),
      },
      // A stream's pieces joined: a secret split over two frames is whole again here.
      ...(ask.answer === null || ask.body.includes(ask.answer)
        ? []
        : [
            {
              channel: 'reply',
              text: ask.answer,
              baseline: calm(ask.phase),
              evidence: ask.id,
              ...(kind === 'served' ? { ownWords: '' } : {}),
            },
          ]),
      { channel: 'header', text: headerText(ask.headers), baseline: calm(ask.phase), evidence: ask.id },
    ]),
    ...run.health.map(
      (fact): ChannelText => ({ channel: 'health', text: fact.body, baseline: calm(fact.phase), evidence: fact.id }),
    ),
    ...run.functions.map(
      (fact): ChannelText => ({ channel: 'reply', text: fact.body, baseline: calm(fact.phase), evidence: fact.id }),
    ),
    ...run.histories.map(
      (fact): ChannelText => ({ channel: 'history', text: fact.body, baseline: false, evidence: fact.id }),
    ),
    ...run.alerts.map(
      (fact): ChannelText => ({ channel: 'alert', text: fact.body, baseline: false, evidence: fact.id }),
    ),
    ...run.logs.flatMap((fact): ChannelText[] => [
      {
        channel: `log:${fact.channel}`,
        text: fact.text.slice(0, fact.baselineLength),
        baseline: true,
        evidence: fact.id,
      },
      {
        channel: `log:${fact.channel}`,
        text: fact.text.slice(fact.baselineLength),
        baseline: false,
        evidence: fact.id,
      },
    ]),
  ];
}

/** A reply without the text that the model gave. */
function withoutAnswer({ body, answer }: JudgedAsk['ask']): string {
  return answer === null ? body : body.replace(JSON.stringify(answer).slice(1, -1), '').replace(answer, '');
}

/** Headers that every HTTP server sends say nothing about a failure. */
function headerText(headers: Readonly<Record<string, string>>): string {
  const usual = new Set(['date', 'content-type', 'content-length', 'connection', 'keep-alive', 'transfer-encoding']);
  return Object.entries(headers)
    .filter(([name]) => !usual.has(name))
    .map(([name, value]) => `${name}: ${value}`)
    .join('\n');
}

function storedLeaks(run: MethodRun): FoundLeak[] {
  return run.scans.flatMap((scan) =>
    scan.found
      .filter(({ name }) => run.begin.canaries.some((canary) => canary.name === name && canary.kind === 'key'))
      .map(({ name, offset }) => ({
        canary: name,
        channel: scan.channel,
        offset,
        form: 'exact',
        kind: 'key' as const,
        cwe: 'CWE-312',
        wstg: 'WSTG-CRYP-04',
        evidence: scan.id,
      })),
  );
}

function timings({
  run,
  affected,
  healthBaseline: steady,
}: CheckContext): Pick<MethodAssessment, 'detectMs' | 'noticeMs' | 'recoverMs'> {
  const alert = firstAlert(run);
  const health = healthSeen(run, steady);
  const shown = affected
    .filter((ask) => showsFault(ask, ask.disturbed, run))
    .map(({ ask }) => ask.endT - firstTouch(run));
  const noticeMs = shown.length === 0 ? null : Math.min(...shown);
  const seen = [alert === undefined ? null : alertedAfter(run, alert), health?.afterMs ?? null, noticeMs].filter(
    (ms) => ms !== null,
  );
  const back = recoveredAt(run);
  return {
    detectMs: seen.length === 0 ? null : Math.min(...seen),
    noticeMs,
    recoverMs: back === null ? null : Math.max(0, back.endT - (run.cleared?.t ?? 0)),
  };
}
