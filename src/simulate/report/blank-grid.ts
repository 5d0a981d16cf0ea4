// The exercise's grids without answers, to print and fill in by hand: the same rows, scales and bands as the report.
import { dimensions, type ScenarioId, scenarioIds, scenarioMethods } from '../../platform/documents/simulation.ts';
import type { Lang } from '../../platform/i18n/say.ts';
import type { Observation } from '../scoring/observation.ts';
import { blankObservations } from '../scoring/observations.ts';
import type { Block, Cell, Column, Report } from './blocks.ts';
import { levelBounds } from './proofs.ts';
import { type Words, words } from './text.ts';

const line = '____________________';
const columns = (...labels: string[]): Column[] => labels.map((label) => ({ label }));
const cells = (...texts: string[]): Cell[] => texts.map((text) => ({ text }));

export function blankGrid(lang: Lang): Report {
  const told = words(lang);
  const { say } = told;
  const title = say('report.blank.title');
  return {
    title,
    lang,
    blocks: [
      { kind: 'heading', level: 1, text: title, id: 'top' },
      { kind: 'paragraph', text: say('report.blank.how') },
      { kind: 'notice', tone: 'fair', text: say('report.blank.care') },
      {
        kind: 'facts',
        rows: (['target', 'responsible', 'authorisation', 'pace', 'started'] as const).map(
          (name) => [say(`report.fact.${name}`), line] as const,
        ),
      },
      ...scenarioIds.flatMap((id) => scenarioForm(id, told)),
      ...bands(told),
      ...consolidated(told),
      ...nextSteps(told),
    ],
  };
}

function scenarioForm(id: ScenarioId, told: Words): Block[] {
  const { say, name } = told;
  const title = say(`simulate.scenario.${id}`);
  const methods = scenarioMethods[id]
    .map((method) => `☐\u00a0${name(`report.method.${method}`, method)}`)
    .join('\u2003');
  const record = [
    [say('report.record.date'), line],
    [say('report.record.duration'), line],
    [say('report.record.methods'), methods],
    [say('report.record.results'), line],
    [say('report.record.score'), '____ / 100'],
    [say('report.record.actions'), line],
    [say('report.fact.responsible'), line],
  ] as const;
  return [
    { kind: 'heading', level: 2, text: title, id: `scenario-${id}` },
    {
      kind: 'table',
      caption: say('report.record'),
      columns: columns(say('report.scores.scenario'), title),
      rows: record.map((row) => cells(...row)),
    },
    ...observationForms(id, told),
    {
      kind: 'table',
      caption: say('report.blank.points'),
      columns: columns(...dimensions.map((one) => say(`simulate.dimension.${one}`)), say('report.scores.total')),
      rows: [cells(...dimensions.map(() => '____ / 20'), '____ / 100')],
    },
  ];
}

/** What is filled in side by side in the report is so here. */
const sideBySide = [
  { prefix: 'load', across: ['normal', 'loaded', 'degradation'] },
  { prefix: 'continuity', across: ['without', 'with', 'degraded'] },
] as const;
const loadAspects = ['response-time', 'success', 'errors', 'stability', 'recovery'];

function observationForms(id: ScenarioId, told: Words): Block[] {
  const { say, name } = told;
  const rows = blankObservations(id, say);
  const grid = sideBySide.find(({ prefix }) =>
    rows.some((row) => row.id.split('.').length === 3 && row.id.startsWith(prefix)),
  );
  const inGrid = (row: Observation) =>
    grid !== undefined && row.id.startsWith(`${grid.prefix}.`) && row.id.split('.').length === 3;
  const strategies = rows.filter((row) => /^strategy\.[^.]+$/.test(row.id));
  const plain = rows.filter((row) => !inGrid(row) && !row.id.startsWith('strategy.'));
  const kindOf = ({ id: row }: Observation) => /^verdict\.[a-z]+(?=\.)/.exec(row)?.[0];
  const label = (row: Observation) => {
    const kind = kindOf(row);
    const own = name(`report.observation.${row.id}`, row.id);
    return kind === undefined ? own : `${name(`report.observation.${kind}`, kind)} — ${own}`;
  };
  return [
    {
      kind: 'table',
      caption: say('report.observations'),
      columns: columns(say('report.observations.what'), say('report.metrics.value'), say('report.blank.notes')),
      rows: plain.map((row) => cells(label(row), boxes(row), '')),
    },
    ...(grid === undefined ? [] : [gridForm(grid, rows.filter(inGrid), told)]),
    ...(strategies.length === 0
      ? []
      : [
          {
            kind: 'table',
            caption: say('report.grid.strategy'),
            columns: columns(
              say('report.grid.strategy.name'),
              say('report.grid.strategy.done'),
              say('report.grid.strategy.grade'),
              say('report.blank.notes'),
            ),
            rows: strategies.map((row) => cells(label(row), boxes(row), '___ / 5', '')),
          } as const,
        ]),
  ];
}

function gridForm(
  { prefix, across }: (typeof sideBySide)[number],
  rows: readonly Observation[],
  { say, name }: Words,
): Block {
  const names = prefix === 'load' ? loadAspects : [...new Set(rows.map(({ id }) => id.split('.')[1] ?? ''))];
  return {
    kind: 'table',
    caption: name(`report.grid.${prefix}`, prefix),
    columns: columns(
      say('report.observations.what'),
      ...across.map((column) => name(`report.grid.${prefix}.${column}`, column)),
    ),
    rows: names.map((one) => cells(name(`report.observation.${prefix}.${one}`, one), ...across.map(() => line))),
  };
}

/** A scale of words to tick; a number to write with its unit. */
function boxes({ value, scale }: Observation): string {
  if (typeof value === 'number') return `____ ${scale}`.trim();
  return scale
    .split(' | ')
    .map((word) => `☐\u00a0${word}`)
    .join('\u2003');
}

function bands({ say }: Words): Block[] {
  const ranges = [
    ['18', '20'],
    ['15', '17'],
    ['10', '14'],
    ['0', '9'],
  ] as const;
  return [
    { kind: 'heading', level: 2, text: say('report.blank.bands'), id: 'bands' },
    {
      kind: 'table',
      caption: say('report.blank.bands'),
      quiet: true,
      columns: columns(say('report.blank.dimension'), ...ranges.map(([from, to]) => `${from}–${to}`)),
      rows: dimensions.map((dimension) =>
        cells(
          say(`simulate.dimension.${dimension}`),
          ...ranges.map(([from]) => say(`report.band.${dimension}.${from}`)),
        ),
      ),
    },
  ];
}

function consolidated({ say }: Words): Block[] {
  const levels = [
    ...levelBounds.map(([level, percent]) =>
      cells(`☐\u00a0${say(`simulate.level.${level}`)}`, say('report.percent', { percent })),
    ),
    cells(`☐\u00a0${say('simulate.level.insufficient')}`, say('report.levels.under', { percent: 70 })),
  ];
  const metrics = ['global', 'critical', 'exposed', 'healed'] as const;
  const blanks = ['____ %', line, '__ / 6', '__ / 6'];
  return [
    { kind: 'heading', level: 2, text: say('report.scores'), id: 'scores' },
    {
      kind: 'table',
      caption: say('report.scores'),
      quiet: true,
      columns: columns(
        say('report.scores.scenario'),
        ...dimensions.map((one) => say(`simulate.dimension.${one}`)),
        say('report.scores.total'),
      ),
      rows: [
        ...scenarioIds.map((id) =>
          cells(say(`simulate.scenario.${id}`), ...dimensions.map(() => '___ / 20'), '____ / 100'),
        ),
        cells(say('report.scores.global'), ...dimensions.map(() => ''), '____ / 600 (___ %)'),
      ],
    },
    {
      kind: 'table',
      caption: say('report.levels'),
      columns: columns(say('report.levels'), say('report.levels.from')),
      rows: levels,
    },
    {
      kind: 'table',
      caption: say('report.metrics'),
      columns: columns(say('report.metrics.metric'), say('report.metrics.value'), say('report.metrics.reading')),
      rows: metrics.map((one, index) => cells(say(`report.metrics.${one}`), blanks[index] ?? line, line)),
    },
  ];
}

/** Six forms would be filled by nobody: one, to be copied for each scenario under 80. */
function nextSteps({ say }: Words): Block[] {
  const fields = [
    'problem',
    'current',
    'target',
    'solution',
    'effort',
    'cost',
    'gain',
    'steps',
    'tests',
    'metrics',
  ] as const;
  return [
    { kind: 'heading', level: 2, text: say('report.recommendations'), id: 'recommendations' },
    { kind: 'paragraph', text: say('report.blank.recommendation') },
    {
      kind: 'table',
      caption: say('report.recommendations'),
      quiet: true,
      columns: columns(say('report.scores.scenario'), line),
      rows: [
        cells(say('report.blank.priority'), '☐\u00a01\u2003☐\u00a02\u2003☐\u00a03'),
        ...fields.map((field) => cells(say(`report.recommendation.${field}`), line)),
      ],
    },
  ];
}
