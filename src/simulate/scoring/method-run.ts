// One run of one method as its evidence tells it: the facts sorted, each ask joined with the upstream calls it caused.
import type { MethodId, ScenarioId } from '../../platform/documents/simulation.ts';
import type { Evidence, EvidenceOf } from '../scenarios/evidence.ts';
import { admits, nothingUsual, type Usual, usualOf } from './telling.ts';

export type Ask = EvidenceOf<'ask'>;
export type UpstreamCall = EvidenceOf<'upstream'>;

/** served: an upstream's answer in the ordinary shape. limited: ordinary shape, openly not an ordinary answer. posed: passed off as ordinary though no upstream answered. */
export type AnswerKind = 'served' | 'limited' | 'posed' | 'error' | 'silence';

export interface JudgedAsk {
  ask: Ask;
  calls: UpstreamCall[];
  kind: AnswerKind;
}

export interface MethodRun {
  scenario: ScenarioId;
  method: MethodId;
  run: number;
  begin: EvidenceOf<'method-begin'>;
  endT: number;
  why: { kind: 'inconclusive' | 'invalid'; text: string } | null;
  injected: EvidenceOf<'fault'> | null;
  cleared: EvidenceOf<'fault'> | null;
  asks: JudgedAsk[];
  /** What answers said on ordinary days too. */
  usual: Usual;
  calls: UpstreamCall[];
  health: EvidenceOf<'health'>[];
  alerts: EvidenceOf<'alert'>[];
  process: EvidenceOf<'process'>[];
  histories: EvidenceOf<'history'>[];
  functions: EvidenceOf<'function'>[];
  logs: EvidenceOf<'log'>[];
  scans: EvidenceOf<'scan'>[];
  dose: EvidenceOf<'dose'> | null;
  /** How busy the machine was by itself, last measured before the fault and last after it; where nobody asked, nothing. */
  machine: EvidenceOf<'machine'>[];
  steps: EvidenceOf<'load-step'>[];
}

/** Cuts a run's evidence into its method runs, in order. */
export function methodRuns(evidence: readonly Evidence[]): MethodRun[] {
  const runs: MethodRun[] = [];
  let lines: Evidence[] = [];
  let begin: EvidenceOf<'method-begin'> | null = null;
  for (const line of evidence) {
    if (line.kind === 'method-begin') {
      begin = line;
      lines = [];
    } else if (line.kind === 'method-end' && begin !== null) {
      runs.push(methodRun(begin, lines, line.t));
      begin = null;
    } else lines.push(line);
  }
  return runs;
}

function methodRun(begin: EvidenceOf<'method-begin'>, lines: readonly Evidence[], endT: number): MethodRun {
  const of = <K extends Evidence['kind']>(kind: K) => lines.filter((line): line is EvidenceOf<K> => line.kind === kind);
  const calls = of('upstream');
  const faults = of('fault');
  const calmFrom = of('baseline-again').at(-1)?.t ?? 0;
  const usual = usualOf(of('ask').filter((ask) => ask.phase === 'baseline'));
  const problem = of('invalid')[0] ?? of('inconclusive')[0];
  return {
    scenario: begin.scenario as ScenarioId,
    method: begin.method as MethodId,
    run: begin.run,
    begin,
    endT,
    why: problem === undefined ? null : { kind: problem.kind, text: problem.why },
    injected: faults.find((fault) => fault.action === 'injected') ?? null,
    cleared: faults.find((fault) => fault.action === 'cleared') ?? null,
    asks: of('ask').map((ask) => judgeAsk(ask, calls, usual)),
    usual,
    calls,
    health: of('health').filter((fact) => fact.t >= calmFrom),
    alerts: of('alert'),
    process: of('process'),
    histories: of('history'),
    functions: of('function'),
    logs: of('log'),
    scans: of('scan'),
    dose: of('dose')[0] ?? null,
    steps: of('load-step'),
    machine: lastBesides(of('machine'), faults.find((fault) => fault.action === 'injected')?.t),
  };
}

function lastBesides(machine: EvidenceOf<'machine'>[], injectedAt = Number.POSITIVE_INFINITY): EvidenceOf<'machine'>[] {
  const before = machine.filter(({ t }) => t < injectedAt).at(-1);
  const after = machine.filter(({ t }) => t >= injectedAt).at(-1);
  return [before, after].filter((fact) => fact !== undefined);
}

export function judgeAsk(ask: Ask, calls: readonly UpstreamCall[], usual: Usual = nothingUsual): JudgedAsk {
  // What was called after the answer had ended served somebody later, not this answer.
  const mine = calls.filter((call) => call.marker === ask.marker && call.t <= ask.endT);
  return { ask, calls: mine, kind: answerKind(ask, mine, usual) };
}

function answerKind(ask: Ask, calls: readonly UpstreamCall[], usual: Usual): AnswerKind {
  const nothing = ask.status === null || (ask.body.trim() === '' && ask.answer === null);
  if (nothing) return 'silence';
  const ordinaryShape = ask.status !== null && ask.status >= 200 && ask.status < 300 && ask.answer !== null;
  // Accepted for later (RFC 9110, 202) is a promise, and its words say so.
  if (!ordinaryShape) return ask.status === 202 && admits(ask, usual) ? 'limited' : 'error';
  const passed = calls.some((call) => call.outcome === 'passed' && call.status !== null && call.status < 400);
  // A stream that stopped before its end without a word is no ordinary answer, whatever the upstream sent.
  if (!ask.ended && !admits(ask, usual)) return 'posed';
  if (passed) return ask.error === null ? 'served' : 'error';
  return admits(ask, usual) ? 'limited' : 'posed';
}

/** A stream whose pieces had begun to reach the user when the upstream's answer broke. */
export function brokeOff({ ask, calls }: JudgedAsk): boolean {
  return (
    ask.answer !== null &&
    !ask.body.includes(ask.answer) &&
    calls.some(({ stream, status, fault }) => stream && status === 200 && fault !== null)
  );
}

/** The end of the target's process while the fault was on. */
export function endedUnderFault(run: MethodRun): MethodRun['process'][number] | undefined {
  const to = run.cleared?.t ?? Number.POSITIVE_INFINITY;
  return run.process.find((fact) => fact.state === 'exited' && fact.t <= to);
}

/** Methods in which connecting is refused for a while and then works again. */
export const listenerCuts: ReadonlySet<MethodId> = new Set<MethodId>(['refused', 'brief-cut', 'long-cut', 'reconnect']);

/** Asks that began while the fault was on. */
export function affectedAsks(run: MethodRun): JudgedAsk[] {
  const from = run.injected?.t ?? Number.POSITIVE_INFINITY;
  const to = run.cleared?.t ?? Number.POSITIVE_INFINITY;
  return run.asks.filter(({ ask }) => ask.phase === 'fault' && ask.t >= from && ask.t <= to);
}

/** Upstream calls that began while the fault was on. */
export function faultCalls(run: MethodRun): UpstreamCall[] {
  const from = run.injected?.t ?? Number.POSITIVE_INFINITY;
  const to = run.cleared?.t ?? Number.POSITIVE_INFINITY;
  return run.calls.filter((call) => call.t >= from && call.t <= to);
}
