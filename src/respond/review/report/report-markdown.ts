// The report as Markdown in which nothing from the record has a meaning.
import { visible } from '../../../platform/reporting/visible.ts';
import type { Block, Report } from './blocks.ts';

export function reportMarkdown({ title, facts, blocks }: Report): string {
  const opening = [
    `# ${plain(title)}`,
    '',
    ...facts.map(([label, value]) => `**${plain(label)}** – ${plain(value)}  `),
  ];
  return `${[...opening, ...blocks.flatMap((one) => ['', ...lines(one)])].join('\n')}\n`;
}

function lines(block: Block): string[] {
  switch (block.kind) {
    case 'heading':
      return [`## ${plain(block.text)}`];
    case 'paragraph':
      return [plain(block.text)];
    case 'list':
      return block.items.map((item) => `- ${plain(item)}`);
    case 'ticks':
      return block.items.map(({ text, done }) => `- [${done ? 'x' : ' '}] ${plain(text)}`);
    case 'table':
      return [
        `| ${block.columns.map(plain).join(' | ')} |`,
        `|${block.columns.map(() => ' --- |').join('')}`,
        ...block.rows.map((row) => `| ${row.map(plain).join(' | ')} |`),
      ];
    // The table of times beside it says the same.
    case 'picture':
      return [`*${plain(block.description)}*`];
    case 'code':
      return ['```', visible(block.text).replace(/[\n`]/g, ' '), '```'];
  }
}

/** One line in which no character of CommonMark or its GitHub extensions does anything. */
function plain(text: string): string {
  return visible(text)
    .replace(/\s+/g, ' ')
    .replace(/[\\`*_{}[\]<>|~&$@#!]/g, '\\$&')
    .replace(/:(?=\/\/)/g, '\\:')
    .replace(/\bwww\./gi, 'www\\.')
    .replace(/^([+=-])/, '\\$1')
    .replace(/^(\d{1,9})([.)])/, '$1\\$2');
}
