// The observation tables of the exercise, filled from evidence: what an observer would have noted for each scenario.
import type { ScenarioId, Simulation } from '../../platform/documents/simulation.ts';
import type { Say } from '../../platform/i18n/say.ts';
import type { Evidence, EvidenceOf } from '../scenarios/evidence.ts';
import type { MethodAssessment } from './assess-method.ts';
import { ids, median } from './check.ts';
import { affectedAsks } from './method-run.ts';

type Observation = Simulation['scenarios'][number]['observations'][number];

interface Frame {
  begin: EvidenceOf<'run-begin'>;
  say: Say;
}

/** What holds for every scenario first, then what its own table asks. */
export function observe(assessments: readonly MethodAssessment[], { say }: Frame): Observation[] {
  const scored = assessments.filter(({ outcome }) => outcome === 'scored');
  if (scored.length === 0) return [];
  const yesNo = (yes: boolean) => say(yes ? 'simulate.yes' : 'simulate.no');
  const worst = (id: string) => {
    const found = scored.flatMap(({ checks }) => checks.filter((check) => check.id === id));
    return found.sort((a, b) => a.points / a.of - b.points / b.of)[0];
  };
  const observations: Observation[] = [];
  const add = (id: string, value: string | number, scale: string, evidence: string[]) =>
    observations.push({ id, value, scale, evidence });
  const graded = (id: string, check: string) => {
    const found = worst(check);
    if (found === undefined) return;
    const share = found.points / found.of;
    add(
      id,
      say(share >= 0.9 ? 'simulate.grade.good' : share >= 0.5 ? 'simulate.grade.partial' : 'simulate.grade.bad'),
      say('simulate.scale.grade'),
      found.evidence,
    );
  };
  const detects = scored.map(({ detectMs }) => detectMs);
  const slowest = detects.includes(null) ? null : Math.max(...(detects as number[]));
  add(
    'detection-time',
    slowest === null ? say('simulate.never') : slowest < 5000 ? '< 5 s' : slowest <= 15_000 ? '5–15 s' : '> 15 s',
    '< 5 s | 5–15 s | > 15 s',
    [],
  );
  const leaks = scored.flatMap((assessment) => assessment.leaks);
  add(
    'sensitive-exposed',
    yesNo(leaks.length > 0),
    say('simulate.scale.yes-no'),
    [...new Set(leaks.map((leak) => leak.evidence))].slice(0, 8),
  );
  const asks = scored.flatMap(({ run }) => affectedAsks(run));
  const fallback = asks.filter(({ kind }) => kind === 'limited' || kind === 'served');
  add(
    'fallback',
    asks.length === 0 ? 0 : Math.round((100 * fallback.length) / asks.length),
    '%',
    ids(fallback.map(({ ask }) => ask)),
  );
  graded('message-clear', 'says-what');
  graded('retry', 'retried');
  graded('state-kept', 'history');
  graded('recovery', 'back');
  const logged = scored.every(({ run }) => run.logs.some((log) => log.text.length > log.baselineLength));
  add(
    'logged',
    yesNo(logged),
    say('simulate.scale.yes-no'),
    ids(
      scored.flatMap(({ run }) => run.logs),
      4,
    ),
  );
  add(
    'response-time-under-fault',
    Math.round(median(asks.map(({ ask }) => ask.endT - ask.t))) || 0,
    'ms',
    ids(
      asks.map(({ ask }) => ask),
      4,
    ),
  );
  for (const name of ['history', 'settings', 'login', 'incidents'] as const) {
    const tried = scored.flatMap(({ run }) =>
      run.functions.filter((fact) => fact.name === name && fact.phase === 'fault'),
    );
    if (tried.length > 0)
      add(`function-${name}`, yesNo(tried.every((fact) => fact.works)), say('simulate.scale.yes-no'), ids(tried, 4));
  }
  return observations;
}

/** What an operator stated for a scenario, marked as such. */
export function statedFor(scenario: ScenarioId, evidence: readonly Evidence[], say: Say): Observation[] {
  return evidence
    .filter((line): line is EvidenceOf<'stated'> => line.kind === 'stated' && line.scenario === scenario)
    .map(({ id, observation, value, scale }) => ({
      id: observation,
      value,
      scale: scale ?? say('report.observation.free'),
      evidence: [id],
      stated: true,
    }));
}
