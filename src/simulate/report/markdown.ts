// Renders the report as GitHub-flavoured Markdown that stays a report whatever the target answered.
import { type Block, type Cell, type Inline, inlines, type Report, type Rich } from './blocks.ts';
import { escapeMarkdown } from './escape.ts';
import { type ReportInput, reportOf } from './report.ts';

export function renderMarkdown(input: ReportInput): string {
  return renderText(reportOf(input));
}

export function renderText({ blocks }: Report): string {
  return `${blocks.map(block).join('\n\n')}\n`;
}

function block(it: Block): string {
  switch (it.kind) {
    case 'heading':
      return `<a id="${it.id}"></a>\n\n${'#'.repeat(it.level)} ${escapeMarkdown(it.text)}`;
    case 'paragraph':
      return rich(it.text);
    case 'notice':
      return `> ${rich(it.text)}`;
    case 'list':
      return it.items.map((item, index) => `${it.ordered ? `${index + 1}.` : '-'} ${rich(item)}`).join('\n');
    case 'facts':
      return it.rows.map(([label, value]) => `- **${escapeMarkdown(label)}** — ${rich(value)}`).join('\n');
    case 'table':
      return table(it);
    case 'command':
      return ['```sh', it.text, '```'].join('\n');
    case 'timeline':
      return `*${escapeMarkdown(it.timeline.title)}* — ${escapeMarkdown(it.timeline.description)}`;
    case 'folded':
      return [`**${escapeMarkdown(it.summary)}**`, ...it.blocks.map(block)].join('\n\n');
  }
}

function table({ caption, quiet, columns, rows }: Extract<Block, { kind: 'table' }>): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    ...(quiet === true ? [] : [`*${escapeMarkdown(caption)}*`, '']),
    line(columns.map(({ label }) => escapeMarkdown(label))),
    line(columns.map(({ numeric }) => (numeric === true ? '---:' : '---'))),
    ...rows.map((row) => line(row.map(cell))),
  ].join('\n');
}

function cell({ text, id }: Cell): string {
  return `${id === undefined ? '' : `<a id="${id}"></a>`}${rich(text)}`;
}

function rich(text: Rich): string {
  return inlines(text).map(inline).join('');
}

function inline(it: Inline): string {
  if (typeof it === 'string') return escapeMarkdown(it);
  if ('strong' in it) return `**${escapeMarkdown(it.strong.trim())}**`;
  if ('to' in it) return `[${escapeMarkdown(it.text)}](#${it.to})`;
  // Backquotes only where nothing can end them; elsewhere the element, whose content is escaped.
  return /^[\w .:,/#=-]+$/.test(it.code) ? `\`${it.code}\`` : `<code>${escapeMarkdown(it.code)}</code>`;
}
