// The observations as tables: what belongs side by side stands so, and nothing is shown twice or lost.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scenarioIds } from '../../platform/documents/simulation.ts';
import { sayer } from '../../platform/i18n/say.ts';
import { blankObservations } from '../scoring/observations.ts';
import { type Block, inlines } from './blocks.ts';
import { fixture, hostile } from './fixture.ts';
import { observationTables } from './observation-tables.ts';
import type { Frame } from './report.ts';
import { words } from './text.ts';

type Table = Extract<Block, { kind: 'table' }>;
const { doc, evidence } = fixture();
const frame: Frame = { doc, evidence, words: words('en'), known: new Map() };
const tables = (rows: Parameters<typeof observationTables>[0]) =>
  observationTables(rows, frame).filter((block): block is Table => block.kind === 'table');
const text = (table: Table) =>
  table.rows.map((row) =>
    row.map((cell) =>
      inlines(cell.text)
        .map((one) =>
          typeof one === 'string' ? one : 'code' in one ? one.code : 'text' in one ? one.text : one.strong,
        )
        .join(''),
    ),
  );
const row = (id: string, value: string | number, scale = '', more: object = {}) => ({
  id,
  value,
  scale,
  evidence: [],
  ...more,
});

test('observationTables() puts usual, loaded and degradation side by side, with their units', () => {
  const [table] = tables([
    row('load.response-time.normal', 250, 'ms'),
    row('load.response-time.loaded', 900.5, 'ms'),
    row('load.stability.loaded', 'stable', 'stable | unstable'),
  ]);
  assert.deepEqual(text(table!), [
    ['Response time', '250 ms', '900.5 ms', '—', '—'],
    ['Stability of the system', '—', 'stable', '—', '—'],
  ]);
});

test('observationTables() grades a strategy beside whether it is in place', () => {
  const [table] = tables([row('strategy.queue', 'yes', 'yes | no'), row('strategy.queue.grade', 3.5, '/ 5')]);
  assert.deepEqual(text(table!)[0]?.slice(1, 3), ['yes', '3.5 / 5']);
});

test('observationTables() says the verdict before its criteria', () => {
  const blocks = observationTables([row('verdict.ideal.service', 'no'), row('verdict', 'acceptable')], frame);
  assert.deepEqual(
    blocks.map(({ kind }) => kind),
    ['paragraph', 'table'],
  );
});

test('observationTables() keeps what was stated among the plain rows, whatever its name', () => {
  const rows = [row('verdict', hostile[0], 'free', { stated: true }), row('load.a.b', 1, '', { stated: true })];
  const [table, ...more] = tables(rows);
  assert.equal(more.length, 0);
  assert.deepEqual(
    text(table!).map(([name]) => name),
    ['verdict (stated, not measured)', 'load.a.b (stated, not measured)'],
  );
});

test('observationTables() shows every observation of every scenario once', () => {
  for (const id of scenarioIds) {
    const rows = blankObservations(id, sayer('en')).map((one, index) => ({ ...one, value: `v${index}-` }));
    const shown = observationTables(rows, frame)
      .map((block) =>
        block.kind === 'table' ? text(block).flat().join('\n') : JSON.stringify('text' in block ? block.text : ''),
      )
      .join('\n');
    for (const one of rows) assert.equal(shown.split(String(one.value)).length - 1, 1, `${id} ${one.id}`);
  }
});
