// One method's asks, fault, alerts, detection and recovery on one axis of seconds: the data behind the drawing and its text.
import type { MethodResult, ScenarioId } from '../../platform/documents/simulation.ts';
import type { Evidence, EvidenceOf } from '../scenarios/evidence.ts';
import { firstTouch } from '../scoring/detection.ts';
import { type AnswerKind, type MethodRun, methodRuns } from '../scoring/method-run.ts';
import { visible, type Words } from './text.ts';

/** The lanes of the drawing, best first. */
export const lanes = ['served', 'limited', 'posed', 'error', 'silence', 'alert'] as const;
export type Lane = AnswerKind | 'alert';

export interface Point {
  lane: Lane;
  /** Seconds since the method began: when it was asked, and when it was settled. */
  from: number;
  to: number;
  label: string;
}

export interface Timeline {
  id: string;
  title: string;
  description: string;
  laneNames: Record<Lane, string>;
  axis: string;
  faultName: string;
  points: Point[];
  /** Seconds since the method began. */
  fault: { from: number; to: number } | null;
  marks: { at: number; name: string; kind: 'detected' | 'recovered' }[];
  lasts: number;
}

/** The run that the document shows for this method: the one whose fault began when the document says, else its first. */
export function shownRun(
  evidence: readonly Evidence[],
  scenario: ScenarioId,
  method: MethodResult,
): { run: MethodRun; of: number } | null {
  const begin = evidence.find((line): line is EvidenceOf<'run-begin'> => line.kind === 'run-begin');
  const runs = methodRuns(evidence).filter((run) => run.scenario === scenario && run.method === method.id);
  const start = begin === undefined ? Number.NaN : Date.parse(begin.startedAt);
  const injectedAt = method.injectedAt === null ? Number.NaN : Date.parse(method.injectedAt);
  // Dates are whole milliseconds, the evidence's clock is finer.
  const same = (run: MethodRun) => run.injected !== null && Math.abs(start + run.injected.t - injectedAt) < 1.5;
  const run = runs.find(same) ?? runs[0];
  return run === undefined ? null : { run, of: runs.length };
}

export function timelineOf(
  shown: { run: MethodRun; of: number },
  method: MethodResult,
  id: string,
  words: Words,
): Timeline {
  const { run } = shown;
  const { say, name } = words;
  const zero = run.begin.t;
  const at = (t: number) => Math.max(0, t - zero) / 1000;
  const kindName = (lane: Lane) => say(`report.kind.${lane}`);
  const asks = run.asks.map(({ ask, kind }) => point(kind, at(ask.t), at(ask.endT), words));
  const alerts = run.alerts.map((alert) => point('alert', at(alert.t), at(alert.t), words));
  const ends = [...asks, ...alerts].map(({ to }) => to);
  const lasts = Math.max(1, at(run.endT), ...ends);
  const fault =
    run.injected === null ? null : { from: at(run.injected.t), to: run.cleared === null ? lasts : at(run.cleared.t) };
  const marks = marksOf(run, method, at).map((mark) => ({ ...mark, name: say(`report.timeline.mark.${mark.kind}`) }));
  const timeline = {
    id,
    title: say('report.timeline', { method: name(`report.method.${method.id}`, method.id) }),
    laneNames: Object.fromEntries(lanes.map((lane) => [lane, kindName(lane)])) as Record<Lane, string>,
    axis: say('report.timeline.axis'),
    faultName: say('report.timeline.fault'),
    points: [...asks, ...alerts],
    fault,
    marks,
    lasts,
  };
  return { ...timeline, description: describe(timeline, shown, words) };
}

function point(lane: Lane, from: number, to: number, { say, number }: Words): Point {
  const label = say('report.timeline.point', { kind: say(`report.kind.${lane}`), from: number(from), to: number(to) });
  return { lane, from, to, label };
}

/** Detection is counted from the first request touched, save an alert's, which is counted from the fault itself. */
function marksOf(
  run: MethodRun,
  { timings }: MethodResult,
  at: (t: number) => number,
): { at: number; kind: 'detected' | 'recovered' }[] {
  if (run.injected === null) return [];
  const injected = run.injected.t;
  const { detectMs, recoverMs } = timings;
  const byAlert = run.alerts.some(
    (alert) => detectMs !== null && Math.abs(alert.t - injected - detectMs.median) < 0.01,
  );
  return [
    ...(detectMs === null
      ? []
      : [{ at: at((byAlert ? injected : firstTouch(run)) + detectMs.median), kind: 'detected' as const }]),
    ...(recoverMs === null || run.cleared === null
      ? []
      : [{ at: at(run.cleared.t + recoverMs.median), kind: 'recovered' as const }]),
  ];
}

/** The drawing in words: for those who do not see it, and for Markdown. */
function describe(
  { points, fault, marks }: Pick<Timeline, 'points' | 'fault' | 'marks'>,
  shown: { run: MethodRun; of: number },
  words: Words,
): string {
  const { say, number } = words;
  const kinds = points.map(({ lane }) => lane);
  return visible(
    [
      shown.of > 1 ? say('report.timeline.run', { run: shown.run.run, runs: shown.of }) : '',
      kinds.length === 0 ? say('report.timeline.none') : `${countKinds(kinds, words)}.`,
      fault === null ? '' : say('report.timeline.fault.from-to', { from: number(fault.from), to: number(fault.to) }),
      ...marks.map((mark) => say(`report.timeline.${mark.kind}`, { at: number(mark.at) })),
    ]
      .filter((sentence) => sentence !== '')
      .join(' '),
  );
}

/** How many of each kind, best first, in words. */
export function countKinds(kinds: readonly Lane[], { say }: Words): string {
  return lanes
    .map((lane) => ({ name: say(`report.kind.${lane}`), count: kinds.filter((kind) => kind === lane).length }))
    .filter(({ count }) => count > 0)
    .map((counted) => say('report.count', counted))
    .join(', ');
}
