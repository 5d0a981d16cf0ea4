// Two compared runs as text for a terminal: the head, the cells in a table, then only what changed.

import type {
  ComparedCell,
  ComparedCheck,
  ComparedTiming,
  Comparison,
  PlacedLeak,
} from '../../platform/documents/comparison.ts';
import { dimensions, scenarioIds } from '../../platform/documents/simulation.ts';
import { visible, type Words } from './text.ts';

export function comparisonText(comparison: Comparison, words: Words): string {
  const { say, name } = words;
  const place = (scenario: string, method: string) =>
    `${name(`simulate.scenario.${scenario}`, scenario)} / ${name(`report.method.${method}`, method)}`;
  const part = (title: string, lines: readonly string[]) => (lines.length === 0 ? [] : ['', title, ...lines]);
  const { cells, checks, leaks, timings } = comparison;
  const moved = timings.filter(isNotable);
  return [
    head(comparison, words),
    ...comparison.differs.map((what) => say('report.compare.differs', { what: say(`report.compare.${what}`) })),
    '',
    ...cellTable(cells, words),
    ...part(
      say('report.compare.checks'),
      checks.map((one) => `  ${place(one.scenario, one.method)}: ${checkLine(one, words)}`),
    ),
    ...part(say('report.compare.leaks.appeared'), leakLines(leaks.appeared, place)),
    ...part(say('report.compare.leaks.gone'), leakLines(leaks.gone, place)),
    ...part(
      say('report.compare.timings'),
      moved.map((one) => `  ${place(one.scenario, one.method)}: ${timingLine(one, words)}`),
    ),
    '',
    verdict(comparison, words),
    '',
  ].join('\n');
}

function head({ before, after }: Comparison, { say, number, instant }: Words): string {
  const line = (run: Comparison['before'], label: string) =>
    say('report.outcome.because', {
      outcome: label,
      why: `${visible(run.target)}, ${instant(run.startedAt)} — ${say('report.verdict', {
        score: number(run.score),
        percent: number(run.percent),
        level: say(`simulate.level.${run.level}`),
      })}`,
    });
  return `${line(before, say('report.compare.before'))}\n${line(after, say('report.compare.after'))}`;
}

function cellTable(cells: readonly ComparedCell[], { say, number }: Words): string[] {
  const show = (value: number | null) => (value === null ? '–' : number(value));
  const rows = scenarioIds.map((scenario) => [
    say(`simulate.scenario.${scenario}`),
    ...dimensions.map((dimension) => {
      const cell = cells.find((one) => one.scenario === scenario && one.dimension === dimension);
      if (cell === undefined || (cell.before === null && cell.after === null)) return '–';
      if (cell.before === cell.after) return show(cell.after);
      return `${show(cell.before)} → ${show(cell.after)}${cell.worse ? ' !' : ''}`;
    }),
  ]);
  const table = [
    [say('report.scores.scenario'), ...dimensions.map((dimension) => say(`simulate.dimension.${dimension}`))],
    ...rows,
  ];
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  return table.map((row) =>
    row
      .map((text, column) => text.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
}

function checkLine({ check, before, after }: ComparedCheck, { name, number }: Words): string {
  const points = (mark: ComparedCheck['before']) => (mark === null ? '–' : `${number(mark.points)}/${number(mark.of)}`);
  const because = after?.because ?? before?.because ?? '';
  return `${name(`report.check.${check}`, check)} ${points(before)} → ${points(after)}. ${visible(because)}`;
}

function leakLines(leaks: readonly PlacedLeak[], place: (scenario: string, method: string) => string): string[] {
  return leaks.map(
    (leak) => `  ${place(leak.scenario, leak.method)}: ${visible(leak.canary ?? leak.pattern ?? '')} → ${leak.channel}`,
  );
}

/** Half a second and a fifth: less is what two runs of one target differ by. */
function isNotable({ before, after }: ComparedTiming): boolean {
  if (before === null || after === null) return true;
  const change = Math.abs(after - before);
  return change > 500 && change > 0.2 * Math.max(before, after);
}

function timingLine({ timing, before, after }: ComparedTiming, { say, seconds }: Words): string {
  const keys = { detectMs: 'detect', noticeMs: 'notice', recoverMs: 'recover' } as const;
  const show = (ms: number | null) => (ms === null ? say('report.timing.never') : seconds(ms));
  return `${say(`report.timing.${keys[timing]}`)} ${show(before)} → ${show(after)}`;
}

function verdict({ cells, worse }: Comparison, { say }: Words): string {
  const lost = cells.filter((cell) => cell.worse);
  const unseen = cells.filter((cell) => cell.before !== null && cell.after === null).length;
  return [
    worse ? say('report.compare.worse', { count: lost.length }) : say('report.compare.not-worse'),
    ...(unseen === 0 ? [] : [say('report.compare.unassessed', { count: unseen })]),
  ].join(' ');
}
