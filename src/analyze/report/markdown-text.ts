// Text into Markdown: whatever a conversation holds, it stays text on its own line or code in its own fence.
import { visible } from '../../platform/reporting/visible.ts';

/** Labels a fence may carry; others would let a conversation choose what a renderer draws (mermaid, math, …). */
const fenceLabels: Readonly<Record<string, string>> = {
  python: 'python',
  javascript: 'javascript',
  typescript: 'typescript',
  tsx: 'tsx',
  java: 'java',
  go: 'go',
  php: 'php',
  ruby: 'ruby',
  c: 'c',
  csharp: 'csharp',
  bash: 'bash',
  shell: 'bash',
  sql: 'sql',
  yaml: 'yaml',
  json: 'json',
  dockerfile: 'dockerfile',
  html: 'html',
};
/** What renderers turn into links even where it was escaped: addresses, and names after an at sign. */
const address = /:\/\/|www\.|@\w|mailto:|xmpp:/i;

/** One line of Markdown in which no character has a meaning (CommonMark 0.31 §2.4 and the GFM extensions); addresses stand as code. */
export function oneLine(text: string): string {
  return flat(text).replace(/[^ \u00a0\u202f]+/g, (word, at: number) =>
    address.test(word) ? codeSpan(word) : at === 0 ? escapeFirst(escapeWord(word)) : escapeWord(word),
  );
}

/** As `oneLine`, with what stands between backquotes shown as code. */
export function richLine(text: string): string {
  const line = flat(text);
  let at = 0;
  let written = '';
  for (const match of line.matchAll(/(?<!`)`([^`]+)`(?!`)/g)) {
    written += oneLineWithin(line.slice(at, match.index)) + codeSpan(match[1]!);
    at = match.index + match[0].length;
  }
  return written + oneLineWithin(line.slice(at));
}

/** The same text cut to a length that a heading can bear. */
export function shortened(text: string, most = 160): string {
  const chars = [...text];
  return chars.length <= most ? text : `${chars.slice(0, most - 1).join('')}…`;
}

/** A code span that its content cannot end (CommonMark 0.31 §6.1). */
export function codeSpan(text: string): string {
  const content = flat(text);
  if (content === '') return '';
  const ticks = '`'.repeat(longestRun(content) + 1);
  const space = /^`|`$/.test(content) ? ' ' : '';
  return `${ticks}${space}${content}${space}${ticks}`;
}

/** A fenced block that its content cannot end (CommonMark 0.31 §4.5), each line indented for the list item it stands in. */
export function fence(text: string, language: string, indent = ''): string {
  const content = visible(text.replaceAll('\r\n', '\n')).replace(/\n+$/, '');
  const ticks = '`'.repeat(Math.max(3, longestRun(content) + 1));
  const label = Object.hasOwn(fenceLabels, language) ? fenceLabels[language] : '';
  return [`${ticks}${label}`, ...content.split('\n'), ticks]
    .map((line) => (line === '' ? '' : `${indent}${line}`))
    .join('\n');
}

/** One line, nothing invisible: what a reader of the rendered page sees. */
export function flat(text: string): string {
  return visible(text.replaceAll('\r\n', '\n'))
    .replace(/[ \t\n]+/g, ' ')
    .trim();
}

/** The spaces beside a code span are part of the sentence. */
function oneLineWithin(piece: string): string {
  const line = oneLine(piece);
  if (line === '') return piece === '' ? '' : ' ';
  return `${piece.startsWith(' ') ? ' ' : ''}${line}${piece.endsWith(' ') ? ' ' : ''}`;
}

/** Underscores within a word and a lone ampersand mean nothing, and stay readable. */
function escapeWord(word: string): string {
  return word
    .replace(/[\\`*{}[\]<>|~$]/g, '\\$&')
    .replace(/(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, '\\_')
    .replace(/&(?=[#\p{L}])/gu, '\\&');
}

/** What opens a block only at a line's start. */
function escapeFirst(word: string): string {
  return word.replace(/^[#+=-]/, '\\$&').replace(/^(\d{1,9})([.)])/, '$1\\$2');
}

function longestRun(text: string): number {
  let longest = 0;
  for (const [run] of text.matchAll(/`+/g)) longest = Math.max(longest, run.length);
  return longest;
}
