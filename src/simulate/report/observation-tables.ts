// The observations of a scenario as the tables of the exercise: plain rows, and the grids of load, continuity, strategies and verdict.
import type { Simulation } from '../../platform/documents/simulation.ts';
import type { Block, Cell, Column, Rich } from './blocks.ts';
import type { Frame } from './report.ts';
import { citations } from './scenario.ts';
import { visible } from './text.ts';

type Observation = Simulation['scenarios'][number]['observations'][number];

interface Grid {
  prefix: string;
  columns: readonly string[];
}
/** Rows whose ids are PREFIX.ROW.COLUMN stand side by side. */
const grids: readonly Grid[] = [
  { prefix: 'load', columns: ['normal', 'loaded', 'degradation'] },
  { prefix: 'continuity', columns: ['without', 'with', 'degraded'] },
];

export function observationTables(observations: readonly Observation[], frame: Frame): Block[] {
  const used = new Set<Observation>();
  const take = (rows: readonly Observation[]) => {
    for (const row of rows) used.add(row);
    return rows;
  };
  // What an operator stated stands among the plain rows whatever name it bears.
  const own = observations.filter(({ stated }) => stated !== true);
  const blocks = [
    ...grids.flatMap((grid) => gridTable(grid, own, take, frame)),
    ...strategyTable(own, take, frame),
    ...verdictTable(own, take, frame),
  ];
  const rest = observations.filter((row) => !used.has(row));
  return [...(rest.length === 0 ? [] : [plainTable(rest, frame)]), ...blocks];
}

type Take = (rows: readonly Observation[]) => readonly Observation[];

function plainTable(rows: readonly Observation[], frame: Frame): Block {
  const { say, name } = frame.words;
  return {
    kind: 'table',
    caption: say('report.observations'),
    columns: labels(
      [say('report.observations.what'), say('report.metrics.value'), say('report.observations.scale')],
      frame,
    ),
    rows: rows.map((row): Cell[] => [
      {
        text:
          row.stated === true
            ? say('report.observation.stated', { name: visible(row.id) })
            : name(`report.observation.${row.id}`, row.id),
      },
      { text: told(row, frame) },
      { text: row.scale },
      { text: citations(row.evidence, frame) },
    ]),
  };
}

function gridTable({ prefix, columns }: Grid, all: readonly Observation[], take: Take, frame: Frame): Block[] {
  const { say, name } = frame.words;
  const mine = all.flatMap((row) => {
    const [head, what, column, ...more] = row.id.split('.');
    return head === prefix && what !== undefined && column !== undefined && more.length === 0
      ? [{ row, what, column }]
      : [];
  });
  const names = [...new Set(mine.map(({ what }) => what))];
  if (names.length === 0) return [];
  take(mine.map(({ row }) => row));
  const cell = (what: string, column: string): Cell => {
    const found = mine.find((one) => one.what === what && one.column === column)?.row;
    return { text: found === undefined ? '—' : `${told(found, frame)}${unitOf(found)}` };
  };
  return [
    {
      kind: 'table',
      caption: name(`report.grid.${prefix}`, prefix),
      columns: labels(
        [say('report.observations.what'), ...columns.map((column) => name(`report.grid.${prefix}.${column}`, column))],
        frame,
      ),
      rows: names.map((what): Cell[] => [
        { text: name(`report.observation.${prefix}.${what}`, what) },
        ...columns.map((column) => cell(what, column)),
        evidenceCell(
          mine.filter((one) => one.what === what).map(({ row }) => row),
          frame,
        ),
      ]),
    },
  ];
}

function strategyTable(all: readonly Observation[], take: Take, frame: Frame): Block[] {
  const { say, name } = frame.words;
  const rows = all.filter(({ id }) => /^strategy\.[^.]+$/.test(id));
  if (rows.length === 0) return [];
  const gradeOf = ({ id }: Observation) => all.find((one) => one.id === `${id}.grade`);
  take(all.filter(({ id }) => id.startsWith('strategy.')));
  return [
    {
      kind: 'table',
      caption: say('report.grid.strategy'),
      columns: labels(
        [say('report.grid.strategy.name'), say('report.grid.strategy.done'), say('report.grid.strategy.grade')],
        frame,
      ),
      rows: rows.map((row): Cell[] => {
        const grade = gradeOf(row);
        return [
          { text: name(`report.observation.${row.id}`, row.id) },
          { text: told(row, frame) },
          { text: grade === undefined ? '—' : `${told(grade, frame)} / 5` },
          evidenceCell([row], frame),
        ];
      }),
    },
  ];
}

/** The verdict first, then what each of its three grades asks and whether it is so. */
function verdictTable(all: readonly Observation[], take: Take, frame: Frame): Block[] {
  const { say, name } = frame.words;
  const verdict = all.find(({ id }) => id === 'verdict');
  if (verdict === undefined) return [];
  const criteria = all.filter(({ id }) => id.startsWith('verdict.'));
  take([verdict, ...criteria]);
  const kindOf = ({ id }: Observation) => id.split('.').slice(0, 2).join('.');
  return [
    { kind: 'paragraph', text: [say('report.observation.verdict.is'), { strong: told(verdict, frame) }] },
    {
      kind: 'table',
      caption: say('report.grid.verdict'),
      columns: labels(
        [say('report.grid.verdict.mode'), say('report.grid.verdict.criterion'), say('report.grid.verdict.met')],
        frame,
      ),
      rows: criteria.map((row): Cell[] => [
        { text: name(`report.observation.${kindOf(row)}`, kindOf(row)) },
        { text: name(`report.observation.${row.id}`, row.id) },
        { text: told(row, frame) },
        evidenceCell([row], frame),
      ]),
    },
  ];
}

function labels(names: readonly string[], { words: { say } }: Frame): Column[] {
  return [...names, say('report.checks.evidence')].map((label) => ({ label }));
}

function evidenceCell(rows: readonly Observation[], frame: Frame): Cell {
  return { text: citations([...new Set(rows.flatMap(({ evidence }) => evidence))].slice(0, 8), frame) as Rich };
}

function told({ value }: Observation, { words: { number } }: Frame): string {
  return typeof value === 'number' ? number(value) : value;
}

/** A unit stands behind its number; a scale of words does not. */
function unitOf({ value, scale }: Observation): string {
  return typeof value === 'number' && scale !== '' ? ` ${scale}` : '';
}
