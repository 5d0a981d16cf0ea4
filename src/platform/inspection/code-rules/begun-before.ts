// A fragment cut out of a file may begin within a comment or a docstring: what closes there must not open for the rest.
import type { Language } from '../ast/languages.ts';

const withBlockComments = new Set<Language>(['javascript', 'typescript', 'tsx', 'java', 'go', 'php', 'c', 'csharp']);

/** Blanks what stands before the end of a comment or docstring that began before the fragment; every line keeps its number. */
export function withoutHead(language: Language, text: string): string {
  const end = language === 'python' ? docstringEnd(text) : withBlockComments.has(language) ? commentEnd(text) : 0;
  return end > 0 ? text.slice(0, end).replace(/[^\n]/g, ' ') + text.slice(end) : text;
}

function commentEnd(text: string): number {
  const close = text.indexOf('*/');
  if (close < 0) return 0;
  const open = text.indexOf('/*');
  if (open >= 0 && open < close) return 0;
  const line = text.slice(text.lastIndexOf('\n', close) + 1, close);
  // A pattern of files or an expression holds the same two signs.
  return /^[ \t]*(?:\*[^'"`]*|[^'"`;{}=]*[ \t])?$/.test(line) && !line.includes('//') ? close + 2 : 0;
}

function docstringEnd(text: string): number {
  return Math.max(endOf('"""', text), endOf("'''", text));
}

function endOf(quotes: string, text: string): number {
  let count = 0;
  for (let at = text.indexOf(quotes); at >= 0; at = text.indexOf(quotes, at + 3)) count++;
  if (count % 2 === 0) return 0;
  const first = text.indexOf(quotes);
  const after = text.slice(first + 3, (text.indexOf('\n', first) + 1 || text.length + 1) - 1).trim();
  const before = text.slice(0, first).trimEnd();
  // Right behind a head or an operator it opens; with words behind it too.
  if (before === '' || /[:=([,%+\\]$|[\s([=,][a-zA-Z]{1,2}$/.test(before)) return 0;
  if (!/^(?:$|%\s|\.format\(|[)\]},])/.test(after)) return 0;
  return first + 3;
}
