// One section per scenario: its test record, its observations, and each method with timeline, times and checks.
import {
  type CheckResult,
  type MethodResult,
  type ScenarioId,
  type Simulation,
  scenarioIds,
} from '../../platform/documents/simulation.ts';
import { userReads } from '../scoring/leaks.ts';
import { affectedAsks, methodRuns } from '../scoring/method-run.ts';
import { anchor, type Block, type Cell, type Inline, joined, methodAnchor, type Rich } from './blocks.ts';
import { observationTables } from './observation-tables.ts';
import type { Frame } from './report.ts';
import type { Words } from './text.ts';
import { countKinds, type Lane, shownRun, timelineOf } from './timeline.ts';

type Scenario = Simulation['scenarios'][number];

export function scenarioSections(frame: Frame): Block[] {
  const { say } = frame.words;
  return [
    { kind: 'heading', level: 2, text: say('report.scenarios'), id: 'scenarios' },
    ...scenarioIds.flatMap((id): Block[] => {
      const heading = {
        kind: 'heading',
        level: 3,
        text: say(`simulate.scenario.${id}`),
        id: `scenario-${id}`,
      } as const;
      const scenario = frame.doc.scenarios.find((one) => one.id === id);
      return scenario === undefined
        ? [heading, { kind: 'notice', tone: 'none', text: say('report.scenario.not-run') }]
        : [heading, ...section(scenario, frame)];
    }),
  ];
}

function section(scenario: Scenario, frame: Frame): Block[] {
  const { say } = frame.words;
  return [
    ...(scenario.total === null
      ? [{ kind: 'notice', tone: 'fair', text: say('report.scenario.partly') } as const]
      : []),
    record(scenario, frame),
    ...observationTables(scenario.observations, frame),
    ...scenario.methods.flatMap((method) => methodSection(scenario.id, method, frame)),
  ];
}

/** The record that a trainer or an auditor files for each test. */
function record(scenario: Scenario, { doc, evidence, words }: Frame): Block {
  const { say, name, instant, seconds, rated } = words;
  const runs = methodRuns(evidence).filter((run) => run.scenario === scenario.id);
  const begun =
    runs.map((run) => run.begin.at).sort()[0] ?? scenario.methods.flatMap((m) => m.injectedAt ?? []).sort()[0];
  const lasted = runs.reduce((sum, run) => sum + run.endT - run.begin.t, 0);
  // Only a scenario that was assessed can be found in no need of anything.
  const otherwise = say(scenario.total === null ? 'report.not-assessed' : 'report.record.actions.none');
  const actions = doc.recommendations.filter((one) => one.scenario === scenario.id).map((one) => one.solution);
  return {
    kind: 'table',
    caption: say('report.record'),
    columns: [{ label: say('report.scores.scenario') }, { label: say(`simulate.scenario.${scenario.id}`) }],
    rows: (
      [
        [say('report.record.date'), begun === undefined ? say('report.unknown') : instant(begun)],
        [say('report.record.duration'), runs.length === 0 ? say('report.unknown') : seconds(lasted)],
        [say('report.record.methods'), scenario.methods.map(({ id }) => name(`report.method.${id}`, id)).join(', ')],
        [
          say('report.record.results'),
          results(
            scenario,
            runs.flatMap((run) => affectedAsks(run).map(({ kind }) => kind)),
            words,
          ),
        ],
        [say('report.record.score'), rated(scenario.total, 100, true).text],
        [say('report.record.actions'), actions.length === 0 ? otherwise : actions.join(' ')],
        [say('report.fact.responsible'), doc.responsible ?? say('report.unknown')],
        [say('report.fact.authorisation'), doc.authorisation ?? say('report.unknown')],
        ...examples(scenario, words),
      ] as (readonly [string, Rich])[]
    ).map(([label, value]): Cell[] => [{ text: label }, { text: value }]),
  };
}

/** Beside what leaked: how not to write, and how. */
function examples({ methods }: Scenario, { say }: Words): (readonly [string, Rich])[] {
  const channels = methods.flatMap(({ leaks }) => leaks.map(({ channel }) => channel));
  const readers = [
    ['users', channels.some(userReads)],
    ['staff', channels.some((channel) => !userReads(channel))],
  ] as const;
  return readers
    .filter(([, leaked]) => leaked)
    .flatMap(([reader]) =>
      (['bad', 'good'] as const).map(
        (kind) =>
          [
            say('report.record.example', {
              kind: say(`report.examples.${kind}`),
              reader: say(`report.examples.${reader}`),
            }),
            { code: say(`report.examples.${reader}.${kind}`) },
          ] as const,
      ),
    );
}

function results({ methods }: Scenario, kinds: readonly Lane[], words: Words): string {
  const { say } = words;
  const checks = methods.flatMap((method) => method.checks);
  const leaks = methods.reduce((sum, method) => sum + method.leaks.length, 0);
  const unscored = methods.filter(({ outcome }) => outcome !== 'scored');
  return [
    ...(kinds.length === 0
      ? []
      : [say('report.record.results.asks', { asks: kinds.length, kinds: countKinds(kinds, words) })]),
    ...(checks.length === 0
      ? []
      : [
          say('report.record.results.checks', {
            passed: checks.filter(({ passed }) => passed).length,
            of: checks.length,
          }),
          say('report.record.results.leaks', { count: leaks }),
        ]),
    ...unscored.map((method) =>
      say('report.outcome.because', {
        outcome: words.name(`report.method.${method.id}`, method.id),
        why: outcomeOf(method, words),
      }),
    ),
  ].join(' · ');
}

function methodSection(scenario: ScenarioId, method: MethodResult, frame: Frame): Block[] {
  const { say, name, number, instant } = frame.words;
  const id = methodAnchor(scenario, method.id);
  const title = name(`report.method.${method.id}`, method.id);
  const shown = shownRun(frame.evidence, scenario, method);
  const at = (iso: string | null) => (iso === null ? '—' : instant(iso));
  const head: Block = {
    kind: 'facts',
    rows: [
      [say('report.outcome'), outcomeOf(method, frame.words)],
      [say('report.injected'), at(method.injectedAt)],
      [say('report.cleared'), at(method.clearedAt)],
      [say('report.affected'), number(method.affectedRequests)],
      [say('report.attempts'), number(method.attempts)],
      [say('report.dose'), dose(method, frame.words)],
    ],
  };
  return [
    { kind: 'heading', level: 4, text: say('report.method', { method: title }), id },
    head,
    ...(shown === null || shown.run.asks.length === 0
      ? []
      : [
          {
            kind: 'timeline',
            timeline: timelineOf(shown, method, `timeline-${scenario}-${method.id}`, frame.words),
          } as const,
        ]),
    ...(method.outcome === 'scored' ? [timings(method, title, frame.words)] : []),
    ...(method.checks.length === 0 ? [] : [checks(method.checks, title, frame)]),
  ];
}

function outcomeOf({ outcome, why }: MethodResult, { say }: Words): string {
  const told = say(`report.outcome.${outcome}`);
  return why === undefined ? told : say('report.outcome.because', { outcome: told, why });
}

function dose({ dose: values }: MethodResult, { number }: Words): Rich {
  const entries = Object.entries(values ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  if (entries.length === 0) return '—';
  return entries.map(([key, value]) => `${key} = ${typeof value === 'number' ? number(value) : value}`).join(', ');
}

function timings(
  { timings: { detectMs, noticeMs, recoverMs } }: MethodResult,
  method: string,
  { say, seconds }: Words,
): Block {
  const rows = [
    [say('report.timing.detect'), detectMs],
    [say('report.timing.notice'), noticeMs],
    [say('report.timing.recover'), recoverMs],
  ] as const;
  return {
    kind: 'table',
    caption: `${say('report.timing')} — ${method}`,
    columns: [
      { label: say('report.timing') },
      ...(['min', 'median', 'max'] as const).map((id) => ({ label: say(`report.timing.${id}`), numeric: true })),
    ],
    rows: rows.map(([label, spread]): Cell[] => [
      { text: label },
      ...(['min', 'median', 'max'] as const).map(
        (id): Cell => ({ text: spread === null ? say('report.timing.never') : seconds(spread[id]) }),
      ),
    ]),
  };
}

function checks(rows: readonly CheckResult[], method: string, frame: Frame): Block {
  const { say, name, number } = frame.words;
  return {
    kind: 'folded',
    summary: `${say('report.checks')} — ${method} (${say('report.record.results.checks', { passed: rows.filter(({ passed }) => passed).length, of: rows.length })})`,
    // What went well need not be read; the summary says that it is there.
    open: rows.some(({ passed }) => !passed),
    blocks: [
      {
        kind: 'table',
        caption: `${say('report.checks')} — ${method}`,
        quiet: true,
        columns: [
          { label: say('report.checks.check') },
          { label: say('report.checks.result') },
          { label: say('report.checks.points'), numeric: true },
          { label: say('report.checks.because') },
          { label: say('report.checks.evidence') },
        ],
        rows: rows.map((check): Cell[] => [
          { text: `${say(`simulate.dimension.${check.dimension}`)} — ${name(`report.check.${check.id}`, check.id)}` },
          {
            text: say(check.passed ? 'report.checks.passed' : 'report.checks.failed'),
            tone: check.passed ? 'best' : 'bad',
          },
          { text: `${number(check.points)} / ${number(check.of)}` },
          { text: check.because },
          { text: citations(check.evidence, frame) },
        ]),
      },
    ],
  };
}

/** Links to the appendix for the lines it holds; an id that no line has stays a bare name. */
export function citations(ids: readonly string[], { known, words }: Frame): Rich {
  if (ids.length === 0) return '—';
  const pieces = ids.map(
    (id): Inline =>
      known.has(id) ? { text: id, to: anchor('evidence', id) } : `${id} (${words.say('report.evidence.missing')})`,
  );
  return joined(pieces, ', ');
}
