// One check explained: what it asks, its points, how a measurement becomes a share of them, and which evidence it reads.
import { type Dimension, scenarioIds } from '../../platform/documents/simulation.ts';
import type { Evidence } from '../scenarios/evidence.ts';
import { type CheckId, checkIds, type Rubric } from '../scoring/rubric.ts';
import type { Words } from './text.ts';

export interface Explanation {
  schema: 'rempart/check@1';
  check: string;
  title: string;
  dimension: Dimension;
  of: number;
  asks: string;
  /** Share of the points by seconds, linear between the rows and 0 after the last; null where a share is counted. */
  band: { name: string; rows: readonly (readonly [seconds: number, share: number])[] } | null;
  /** Share of the points by kind of answer; only for `honest`. */
  answers: Record<string, number> | null;
  /** Scenario/method pairs; null: asked after every method. */
  methods: string[] | null;
  evidence: Evidence['kind'][];
  rubric: string;
}

const bands: Partial<Record<CheckId, keyof Rubric['bands']>> = {
  alert: 'alert',
  health: 'detection',
  notice: 'detection',
  back: 'recovery',
  reconnect: 'recovery',
  undisturbed: 'patience',
  'told-soon': 'telling',
};

/** What a check reads, by its dimension where it is not said for itself. */
const evidenceOf: Record<Dimension, Evidence['kind'][]> = {
  detection: ['ask', 'upstream', 'fault'],
  management: ['ask', 'upstream'],
  recovery: ['ask', 'upstream', 'fault'],
  ux: ['ask'],
  security: ['ask', 'health', 'function', 'history', 'alert', 'log', 'scan'],
};
const evidenceOfCheck: Partial<Record<CheckId, Evidence['kind'][]>> = {
  alert: ['alert', 'fault'],
  health: ['health', 'fault'],
  foresight: ['upstream', 'alert', 'health'],
  answered: ['ask'],
  'refused-key': ['upstream'],
  spare: ['upstream'],
  continuity: ['function', 'ask'],
  pace: ['ask', 'dose'],
  priority: ['ask'],
  alive: ['process'],
  history: ['history', 'ask'],
};

export function knownChecks(rubric: Rubric): CheckId[] {
  return checkIds.filter((id) => rubric.checks[id] !== undefined);
}

/** Null for a name that the rubric does not have. */
export function explainCheck(id: string, rubric: Rubric, { name }: Words): Explanation | null {
  const check = knownChecks(rubric).find((known) => known === id);
  const entry = check === undefined ? undefined : rubric.checks[check];
  if (check === undefined || entry === undefined) return null;
  const band = bands[check];
  const title = name(`report.check.${check}`, check);
  return {
    schema: 'rempart/check@1',
    check,
    title,
    dimension: entry.dimension,
    of: entry.of,
    asks: name(`report.explain.${check}`, title),
    band: band === undefined ? null : { name: band, rows: rubric.bands[band] },
    answers: check === 'honest' ? rubric.answers : null,
    methods: rubric.everywhere.includes(check) ? null : methodsWith(check, rubric),
    evidence: evidenceOfCheck[check] ?? evidenceOf[entry.dimension],
    rubric: rubric.sha256,
  };
}

function methodsWith(check: CheckId, rubric: Rubric): string[] {
  const rank = (path: string) => scenarioIds.findIndex((id) => path.startsWith(`${id}/`));
  return Object.entries(rubric.methods)
    .filter(([, checks]) => checks.includes(check))
    .map(([path]) => path)
    .sort((a, b) => rank(a) - rank(b));
}

export function explanationText(it: Explanation, { say, number, name }: Words): string {
  const share = (value: number) => say('report.percent', { percent: number(100 * value) });
  const rows =
    it.band === null
      ? []
      : it.band.rows.map(
          ([seconds, part]) => `  ${say('report.seconds', { seconds: number(seconds) })}: ${share(part)}`,
        );
  const answers = Object.entries(it.answers ?? {}).map(
    ([kind, part]) => `  ${name(`report.kind.${kind}`, kind)}: ${share(part)}`,
  );
  return [
    `${it.check} — ${it.title}`,
    say('report.explain.points', { dimension: say(`simulate.dimension.${it.dimension}`), of: number(it.of) }),
    '',
    it.asks,
    ...(rows.length === 0 ? [] : ['', say('report.explain.band'), ...rows]),
    ...(answers.length === 0 ? [] : ['', say('report.explain.answers'), ...answers]),
    '',
    it.methods === null
      ? say('report.explain.everywhere')
      : say('report.explain.methods', { methods: it.methods.join(', ') || say('report.none') }),
    say('report.explain.evidence', { kinds: it.evidence.join(', ') }),
    say('report.explain.passed'),
    '',
  ].join('\n');
}
