// `rempart kpi [--since 30d]`: how fast incidents are found and contained, from the journal only; an instance may run meanwhile.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfig } from '../config.ts';
import { RempartError } from '../platform/base/errors.ts';
import type { Kpi, Kpis } from '../platform/documents/kpi.ts';
import { computeKpis } from '../respond/review/kpis.ts';
import { readRecords } from '../respond/review/read-records.ts';
import { loadTaxonomy } from '../respond/taxonomy/load-taxonomy.ts';
import { type Command, type CommandInput, usageError } from './command.ts';
import { durationOption } from './duration.ts';

const dayMs = 86_400_000;

export const kpi: Command = {
  name: 'kpi',
  summary: 'kpi.summary',
  options: { since: { type: 'string', value: 'TIME', summary: 'kpi.flag.since' } },
  more: 'kpi.more',
  /** Exit 0 when nothing is missed, 1 when something is; what has no data is neither. */
  async run(input) {
    const [extra] = input.args;
    if (extra !== undefined) throw usageError(input, 'kpi', 'cli.usage.argument.unexpected', { argument: extra });
    const now = Date.now();
    const from = now - (durationOption(input, 'kpi', 'since', 1_000) ?? 30 * dayMs);
    const dir = join(input.data, 'journal');
    if (!existsSync(dir)) throw new RempartError('ERR_JOURNAL_MISSING', { dir });
    const { respond } = loadConfig({ file: input.configFile, asked: input.configAsked, env: input.env });
    const { records, unreadable } = await readRecords(dir, 'respond');
    const types = loadTaxonomy(respond.taxonomy).all;
    const document = computeKpis(records, { from, now, targets: respond.kpi, types, unreadable });
    if (input.json) input.stdout.write(`${JSON.stringify(document)}\n`);
    else input.stdout.write(`${kpiLines(document, input, respond.kpi.drillDays).join('\n')}\n`);
    return document.kpis.some(({ state }) => state === 'missed') ? 1 : 0;
  },
};

export function kpiLines(
  document: Kpis,
  { say, lang }: Pick<CommandInput, 'say' | 'lang'>,
  drillDays: number,
): string[] {
  const { incidents, coverage, journal } = document;
  const day = (instant: string) => instant.slice(0, 10);
  const period = say('kpi.period', { from: day(document.from), to: day(document.to), count: incidents.all });
  const rows = document.kpis.map((one) => [
    say(`kpi.${one.id}`),
    one.value === null ? '–' : figure(one, one.value, lang),
    `${one.better === 'below' ? '<' : '>'} ${figure(one, one.target, lang)}`,
    say(`kpi.state.${one.state}`),
    basis(one, { say, lang }),
  ]);
  const head = [say('kpi.column.what'), say('kpi.column.value'), say('kpi.column.target'), '', say('kpi.column.basis')];
  const uncovered = coverage.types.filter(({ covered }) => !covered).map(({ type }) => type);
  const isDrilled = coverage.types.some(({ drilledAt }) => drilledAt !== null);
  return [
    period,
    '',
    ...table([head, ...rows]),
    '',
    ...(incidents.all === 0 ? [say('kpi.none')] : []),
    ...(isDrilled && uncovered.length > 0 ? [say('kpi.uncovered', { types: uncovered.join(', ') })] : []),
    ...(isDrilled ? [say('kpi.techniques', coverage.techniques)] : [say('kpi.no-drill', { days: drillDays })]),
    ...(journal.unreadable > 0 ? [say('kpi.unreadable', { count: journal.unreadable })] : []),
  ];
}

function basis({ n, id, interval, pending, ...kpi }: Kpi, { say, lang }: Pick<CommandInput, 'say' | 'lang'>): string {
  const parts = [say(`kpi.n.${id}`, { n })];
  if (interval !== null) {
    const [low, high] = [interval.low, interval.high].map((value) => figure({ ...kpi }, value, lang));
    parts.push(say('kpi.interval', { low: low!, high: high! }));
  }
  if (pending > 0) parts.push(say(`kpi.pending.${id}`, { count: pending }));
  return parts.join(', ');
}

function figure({ unit }: Pick<Kpi, 'unit'>, value: number, lang: CommandInput['lang']): string {
  if (unit === 'share') return value.toLocaleString(lang, { style: 'percent', maximumFractionDigits: 1 });
  const number = (amount: number) => amount.toLocaleString(lang, { maximumFractionDigits: 1 });
  if (value < 60) return `${number(value)} s`;
  return value < 3_600 ? `${number(value / 60)} min` : `${number(value / 3_600)} h`;
}

/** Columns as wide as their widest cell. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
}
