// From evidence and rubric to the simulation document: a pure function, so that `rescore` gives the same bytes.
import {
  type CheckResult,
  type Dimension,
  dimensions,
  type Level,
  type MethodResult,
  type ScenarioId,
  type Simulation,
  scenarioIds,
  scenarioMethods,
} from '../../platform/documents/simulation.ts';
import type { Lang } from '../../platform/i18n/say.ts';
import type { Evidence, EvidenceOf } from '../scenarios/evidence.ts';
import { assessMethodRun, type MethodAssessment } from './assess-method.ts';
import { median } from './check.ts';
import { fmeaTable } from './fmea.ts';
import { methodRuns } from './method-run.ts';
import { observe, statedFor } from './observations.ts';
import { recommend } from './recommendations.ts';
import type { Rubric } from './rubric.ts';
import { reasonSayer } from './say-reason.ts';

export type Scores = Record<Dimension, number | null>;

export interface AssessInput {
  evidence: readonly Evidence[];
  rubric: Rubric;
  lang: Lang;
  evidenceFile: { file: string; sha256: string };
}

export function assess({ evidence, rubric, lang, evidenceFile }: AssessInput): Simulation {
  const begin = evidence.find((line): line is EvidenceOf<'run-begin'> => line.kind === 'run-begin');
  const end = evidence.find((line): line is EvidenceOf<'run-end'> => line.kind === 'run-end');
  if (begin === undefined || end === undefined)
    throw new TypeError('evidence must begin with run-begin and end with run-end');
  const say = reasonSayer(lang);
  const runs = methodRuns(evidence);
  const assessments = runs.map((run) => assessMethodRun(run, { begin, rubric, say }));
  const scenarios = scenarioIds
    .filter((id) => runs.some((run) => run.scenario === id))
    .map((id) => {
      const mine = assessments.filter(({ run }) => run.scenario === id);
      const methods = scenarioMethods[id].flatMap((method) => {
        const ofMethod = mine.filter(({ run }) => run.method === method);
        return ofMethod.length === 0 ? [] : [methodResult(ofMethod, begin)];
      });
      const scores = worstOf(methods);
      const observations = [...observe(mine, { scenario: id, evidence, begin, say }), ...statedFor(id, evidence, say)];
      return { id, methods, observations, scores, total: totalOf(scores) };
    });
  const cells = scenarios.flatMap(({ scores }) =>
    dimensions.map((dimension) => scores[dimension]).filter((cell) => cell !== null),
  );
  const score = round(cells.reduce((a, b) => a + b, 0));
  const assessable = 20 * cells.length;
  const totals = scenarios.filter((s): s is typeof s & { total: number } => s.total !== null);
  const percent = round((100 * score) / 600);
  const recommendations = recommend(scenarios, lang, begin.dayRate);
  return {
    schema: 'rempart/simulation@1',
    target: begin.target,
    pace: begin.pace,
    runs: begin.runs,
    seed: begin.seed,
    startedAt: begin.startedAt,
    finishedAt: end.finishedAt,
    responsible: begin.responsible,
    authorisation: begin.authorisation,
    rubric: { name: rubric.name, sha256: rubric.sha256 },
    evidence: evidenceFile,
    scenarios,
    score,
    assessable,
    percent,
    percentOfAssessable: assessable === 0 ? null : round((100 * score) / assessable),
    level: levelOf(percent),
    provisional: totals.length < scenarioIds.length,
    criticalScenario: totals.length === 0 ? null : totals.reduce((a, b) => (b.total < a.total ? b : a)).id,
    exposed: scenarios.filter(({ methods }) => methods.some(({ leaks }) => leaks.length > 0)).length,
    selfHealed: scenarios.filter(({ id }) => selfHealed(assessments, id)).length,
    fmea: fmeaTable(scenarios, say),
    recommendations,
    restored: end.restored,
    restoreProof: end.restoreProof,
  };
}

export function levelOf(percent: number): Level {
  return percent >= 90 ? 'excellent' : percent >= 80 ? 'good' : percent >= 70 ? 'fair' : 'insufficient';
}

/** All runs of one method: cells are medians over the runs, the checks shown are those of the worst run. */
function methodResult(assessments: readonly MethodAssessment[], begin: EvidenceOf<'run-begin'>): MethodResult {
  const scored = assessments.filter(({ outcome }) => outcome === 'scored');
  const shown = worstRun(scored) ?? assessments[0]!;
  const at = (t: number | undefined) =>
    t === undefined ? null : new Date(Date.parse(begin.startedAt) + t).toISOString();
  const spread = (pick: (a: MethodAssessment) => number | null) => {
    const values = scored.map(pick).filter((value) => value !== null);
    if (values.length === 0) return null;
    return { min: round(Math.min(...values)), median: round(median(values)), max: round(Math.max(...values)) };
  };
  const scores = scoresBy((dimension) => {
    const cells = scored.map((a) => a.scores[dimension]).filter((cell) => cell !== null);
    return cells.length === 0 ? null : round(median(cells));
  });
  return {
    id: shown.run.method,
    outcome: scored.length > 0 ? 'scored' : shown.outcome,
    ...(scored.length > 0 || shown.why === null ? {} : { why: shown.why }),
    injectedAt: at(shown.run.injected?.t),
    clearedAt: at(shown.run.cleared?.t),
    affectedRequests: shown.affected,
    ...(shown.run.dose === null ? {} : { dose: shown.run.dose.values }),
    timings: {
      detectMs: spread((a) => a.detectMs),
      noticeMs: spread((a) => a.noticeMs),
      recoverMs: spread((a) => a.recoverMs),
    },
    attempts: shown.attempts,
    leaks: shown.leaks.map(({ kind: _kind, evidence: _evidence, ...leak }) => leak),
    checks: shown.checks,
    scores,
  };
}

function worstRun(assessments: readonly MethodAssessment[]): MethodAssessment | undefined {
  return [...assessments].sort((a, b) => sumOf(a.scores) - sumOf(b.scores))[0];
}

/** A scenario's cell is the lowest of its methods' cells; a cell that no method could assess is null. */
function worstOf(methods: readonly MethodResult[]): Scores {
  return scoresBy((dimension) => {
    const cells = methods
      .filter(({ outcome }) => outcome === 'scored')
      .map(({ scores }) => scores[dimension])
      .filter((cell) => cell !== null);
    return cells.length === 0 ? null : Math.min(...cells);
  });
}

function scoresBy(cell: (dimension: Dimension) => number | null): Scores {
  return Object.fromEntries(dimensions.map((dimension) => [dimension, cell(dimension)])) as Scores;
}

/** Out of 100, only when all five dimensions were assessed: a part is not a total. */
function totalOf(scores: Scores): number | null {
  const cells = dimensions.map((dimension) => scores[dimension]);
  return cells.every((cell) => cell !== null) ? round(cells.reduce((a, b) => a + b, 0)) : null;
}

function sumOf(scores: Scores): number {
  return dimensions.reduce((sum, dimension) => sum + (scores[dimension] ?? 0), 0);
}

function selfHealed(assessments: readonly MethodAssessment[], scenario: ScenarioId): boolean {
  const scored = assessments.filter(({ run, outcome }) => run.scenario === scenario && outcome === 'scored');
  return (
    scored.length > 0 &&
    scored.every(({ run, recoverMs }) => recoverMs !== null && !run.process.some((fact) => fact.state === 'restarted'))
  );
}

export function round(value: number): number {
  return Math.round(value * 100) / 100;
}

export type { CheckResult };
