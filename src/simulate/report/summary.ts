// The head of the report: verdict, leaks, the table out of 600, the metrics, and whether all was restored.
import {
  dimensions,
  type Leak,
  type MethodId,
  type ScenarioId,
  scenarioIds,
} from '../../platform/documents/simulation.ts';
import { type Block, type Cell, methodAnchor, type Tone } from './blocks.ts';
import type { Frame } from './report.ts';
import type { Words } from './text.ts';

export function verdict({ doc, evidence, words }: Frame): Block[] {
  const { say, number, instant, seconds } = words;
  const whole = doc.scenarios.filter(({ total }) => total !== null).length;
  const score = say('report.verdict', {
    score: number(doc.score),
    percent: number(doc.percent),
    level: say(`simulate.level.${doc.level}`),
  });
  const share =
    doc.percentOfAssessable === null
      ? say('report.verdict.none')
      : say('report.verdict.assessable', {
          assessable: number(doc.assessable),
          percent: number(doc.percentOfAssessable),
        });
  return [
    { kind: 'notice', tone: levelTones[doc.level], text: [{ strong: score }, ' ', share] },
    ...(doc.provisional
      ? [{ kind: 'notice', tone: 'fair', text: say('report.provisional', { count: whole }) } as const]
      : []),
    ...evidence.flatMap((line): Block[] =>
      line.kind === 'stopped'
        ? [{ kind: 'notice', tone: 'bad', text: say('report.cli.stopped', { asked: line.asked, failed: line.failed }) }]
        : [],
    ),
    ...(foundLeaks({ doc }).length === 0
      ? []
      : [
          {
            kind: 'notice',
            tone: 'bad',
            text: { text: say('report.leaked', { count: doc.exposed }), to: 'leaks' },
          } as const,
        ]),
    restoredNotice({ doc, words }),
    {
      kind: 'facts',
      rows: [
        [say('report.fact.target'), doc.target],
        [say('report.fact.pace'), say(`report.pace.${doc.pace}`)],
        [say('report.fact.runs'), number(doc.runs)],
        [say('report.fact.seed'), String(doc.seed)],
        [say('report.fact.started'), instant(doc.startedAt)],
        [say('report.fact.finished'), instant(doc.finishedAt)],
        [say('report.fact.duration'), seconds(Date.parse(doc.finishedAt) - Date.parse(doc.startedAt))],
        [say('report.fact.responsible'), doc.responsible ?? say('report.unknown')],
        [say('report.fact.authorisation'), doc.authorisation ?? say('report.unknown')],
      ],
    },
  ];
}

const levelTones = { excellent: 'best', good: 'good', fair: 'fair', insufficient: 'bad' } as const satisfies Record<
  string,
  Tone
>;

interface PlacedLeak extends Leak {
  scenario: ScenarioId;
  method: MethodId;
}

function foundLeaks({ doc }: Pick<Frame, 'doc'>): PlacedLeak[] {
  return doc.scenarios.flatMap(({ id, methods }) =>
    methods.flatMap((method) => method.leaks.map((leak) => ({ ...leak, scenario: id, method: method.id }))),
  );
}

export function leaks({ doc, words }: Frame): Block[] {
  const { say, name, number } = words;
  const found = foundLeaks({ doc });
  const heading = { kind: 'heading', level: 2, text: say('report.leaks'), id: 'leaks' } as const;
  if (found.length === 0) {
    const searched = doc.scenarios.some(({ methods }) => methods.some(({ outcome }) => outcome === 'scored'));
    return [heading, { kind: 'paragraph', text: say(searched ? 'report.leaks.none' : 'report.leaks.unsearched') }];
  }
  const columns = ['what', 'channel', 'form', 'where'] as const;
  return [
    heading,
    { kind: 'paragraph', text: say('report.leaks.intro') },
    {
      kind: 'table',
      caption: say('report.leaks'),
      quiet: true,
      columns: [
        ...columns.map((id) => ({ label: say(`report.leak.${id}`) })),
        { label: 'CWE' },
        { label: 'WSTG' },
        { label: say('report.leak.offset'), numeric: true },
      ],
      rows: found.map((leak): Cell[] => [
        { text: { strong: leakName(leak, words) }, tone: 'bad' },
        { text: channelName(leak.channel, words) },
        { text: name(`report.form.${leak.form}`, leak.form) },
        {
          text: {
            text: `${say(`simulate.scenario.${leak.scenario}`)}, ${name(`report.method.${leak.method}`, leak.method)}`,
            to: methodAnchor(leak.scenario, leak.method),
          },
        },
        { text: leak.cwe },
        { text: leak.wstg },
        { text: number(leak.offset) },
      ]),
    },
    examples(words),
  ];
}

function leakName(leak: Leak, { say }: Words): string {
  return leak.canary === undefined
    ? say('report.leak.pattern', { name: leak.pattern ?? '' })
    : say('report.leak.canary', { name: leak.canary });
}

/** Log channels carry the log's name after a colon. */
export function channelName(channel: string, { say, name }: Words): string {
  return channel.startsWith('log:')
    ? say('report.channel.log', { name: channel.slice(4) })
    : name(`report.channel.${channel}`, channel);
}

function examples({ say }: Words): Block {
  return {
    kind: 'table',
    caption: say('report.examples'),
    columns: (['channel', 'bad', 'good'] as const).map((id) => ({ label: say(`report.examples.${id}`) })),
    rows: (['users', 'staff'] as const).map((reader) => [
      { text: say(`report.examples.${reader}`) },
      { text: { code: say(`report.examples.${reader}.bad`) } },
      { text: { code: say(`report.examples.${reader}.good`) } },
    ]),
  };
}

/** Six rows whatever was run: what was not assessed is said, not left out. */
export function scoreTable({ doc, words }: Frame): Block[] {
  const { say, rated } = words;
  const rows = scenarioIds.map((id): Cell[] => {
    const scenario = doc.scenarios.find((one) => one.id === id);
    return [
      { text: { text: say(`simulate.scenario.${id}`), to: `scenario-${id}` } },
      ...dimensions.map((dimension) => rated(scenario?.scores[dimension] ?? null, 20)),
      rated(scenario?.total ?? null, 100),
    ];
  });
  const last: Cell[] = [
    { text: { strong: say('report.scores.global') } },
    ...dimensions.map((): Cell => ({ text: '' })),
    { text: { strong: `${words.number(doc.score)} / 600` }, tone: levelTones[doc.level] },
  ];
  return [
    { kind: 'heading', level: 2, text: say('report.scores'), id: 'scores' },
    { kind: 'paragraph', text: say('report.scores.note') },
    {
      kind: 'table',
      caption: say('report.scores'),
      quiet: true,
      columns: [
        { label: say('report.scores.scenario') },
        ...dimensions.map((dimension) => ({ label: `${say(`simulate.dimension.${dimension}`)} / 20`, numeric: true })),
        { label: `${say('report.scores.total')} / 100`, numeric: true },
      ],
      rows: [...rows, last],
    },
  ];
}

export function metrics({ doc, words }: Frame): Block[] {
  const { say, number } = words;
  const critical = doc.criticalScenario;
  const rows: Cell[][] = [
    [
      { text: say('report.metrics.global') },
      { text: say('report.percent', { percent: number(doc.percent) }), tone: levelTones[doc.level] },
      { text: say(`simulate.level.${doc.level}`) },
    ],
    [
      { text: say('report.metrics.critical') },
      {
        text:
          critical === null
            ? say('report.not-assessed')
            : { text: say(`simulate.scenario.${critical}`), to: `scenario-${critical}` },
      },
      { text: say('report.metrics.critical.reading') },
    ],
    [
      { text: say('report.metrics.exposed') },
      { text: `${doc.exposed} / 6`, tone: doc.exposed > 0 ? 'bad' : 'none' },
      { text: say('report.metrics.exposed.reading') },
    ],
    [
      { text: say('report.metrics.healed') },
      { text: `${doc.selfHealed} / 6` },
      { text: say('report.metrics.healed.reading') },
    ],
  ];
  return [
    { kind: 'heading', level: 2, text: say('report.metrics'), id: 'metrics' },
    {
      kind: 'table',
      caption: say('report.metrics'),
      quiet: true,
      columns: (['metric', 'value', 'reading'] as const).map((id) => ({ label: say(`report.metrics.${id}`) })),
      rows,
    },
  ];
}

export function restoration({ doc, words }: Frame): Block[] {
  const { say } = words;
  return [
    { kind: 'heading', level: 2, text: say('report.restore'), id: 'restoration' },
    restoredNotice({ doc, words }),
    {
      kind: 'paragraph',
      text: say('report.restore.proof', { proof: doc.restoreProof === '' ? say('report.none') : doc.restoreProof }),
    },
  ];
}

function restoredNotice({ doc, words: { say } }: Pick<Frame, 'doc' | 'words'>): Block {
  return doc.restored
    ? { kind: 'notice', tone: 'best', text: say('report.restored.yes') }
    : { kind: 'notice', tone: 'bad', text: { strong: say('report.restored.no') } };
}
