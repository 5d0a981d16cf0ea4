// Finds the code in Markdown: fences (unclosed, nested, indented, with tildes), and indented blocks by a full parser.
import { fromMarkdown } from 'mdast-util-from-markdown';
import type { Part } from '../conversation.ts';
import { linesOf } from './lines-of.ts';

export interface Fence {
  /** What stands behind the opening marks. */
  label: string;
  text: string;
  /** From 1: the line of its first line of code. */
  line: number;
  /** From 1: the lines of the whole fence. */
  firstLine: number;
  lastLine: number;
  /** The answer ended before the fence did. */
  open: boolean;
}

const opening = /^(?<indent> {0,3})(?<marks>`{3,}|~{3,})(?<label>[^\r\n]*)$/;
/** Code by indentation stands behind an empty line; fences may stand in lists and quotes: these are left to the parser. */
const needsParser =
  /(?:^|\n)[ \t]*\n(?: {4,}| {0,3}\t)[ \t]*\S|^(?: {4,}|\t)\S|^(?: {4,}| {0,3}\t)[ \t]*(?:```|~~~)|^[ \t]*(?:>|[-*+][ \t]|\d{1,9}[.)][ \t])[ \t>]*(?:```|~~~| {4,}\S)/m;
/** Quotes and lists within each other: the parser goes down by recursion. */
const tooDeep = /^(?:[ \t]*(?:>|[-*+][ \t]|\d{1,9}[.)][ \t])){40}/m;
const markdownLabels = /^(?:markdown|md|mdx|mkd)\b/i;
/** The parser builds a tree of everything: beyond this the plain reading of lines must do. */
const parserChars = 200_000;

const known = new WeakMap<Part, readonly Fence[]>();

/** The fences of a part of a message, looked for once however often they are asked for. */
export function fencesOf(part: Part): readonly Fence[] {
  let fences = known.get(part);
  if (fences === undefined) {
    fences = findFences(part.text ?? '');
    known.set(part, fences);
  }
  return fences;
}

export function findFences(markdown: string): Fence[] {
  if (!mayHoldCode(markdown)) return [];
  const lines = linesOf(markdown);
  const plain = readLines(lines);
  const found = stretches(lines, plain).flatMap(({ from, text }) =>
    text.length <= parserChars && needsParser.test(text) && !tooDeep.test(text) ? parsedBlocks(text, from) : [],
  );
  return found.length === 0 ? plain : [...plain, ...found].sort((a, b) => a.line - b.line);
}

const indentedStarts = ['\n    ', '\n\t', '\r    ', '\r\t'];

/** Searches for fixed words cost a tenth of one for a pattern. */
function mayHoldCode(markdown: string): boolean {
  if (markdown.includes('```') || markdown.includes('~~~')) return true;
  if (markdown.startsWith('    ') || markdown.startsWith('\t')) return true;
  return indentedStarts.some((start) => markdown.includes(start));
}

/** The fences at the left edge, by lines. A fence of Markdown may hold fences: labelled ones open, bare ones close. */
function readLines(lines: readonly string[]): Fence[] {
  const fences: Fence[] = [];
  for (let i = 0; i < lines.length; i++) {
    const start = opening.exec(lines[i] ?? '')?.groups;
    if (start === undefined) continue;
    const { indent = '', marks = '', label = '' } = start;
    if (marks.startsWith('`') && label.includes('`')) continue;
    const end = closing(lines, i + 1, marks, markdownLabels.test(label.trim()));
    const code = lines.slice(i + 1, end).map((line) => unindented(line, indent.length));
    const fence = {
      label: label.trim(),
      text: code.join('\n'),
      line: i + 2,
      firstLine: i + 1,
      lastLine: Math.min(end + 1, lines.length),
      open: end >= lines.length,
    };
    fences.push(fence);
    if (markdownLabels.test(fence.label)) fences.push(...within(fence));
    i = end;
  }
  return fences;
}

function closing(lines: readonly string[], from: number, marks: string, nests: boolean): number {
  const mark = marks[0] ?? '`';
  let depth = 0;
  for (let i = from; i < lines.length; i++) {
    const found = opening.exec(lines[i] ?? '')?.groups;
    if (found === undefined || found['marks']?.[0] !== mark || found['marks'].length < marks.length) continue;
    const labelled = found['label']?.trim() !== '';
    if (labelled && nests) depth++;
    else if (!labelled && depth > 0) depth--;
    else if (!labelled) return i;
  }
  return lines.length;
}

/** The code that a document quotes is code too. */
function within(fence: Fence): Fence[] {
  return readLines(fence.text.split('\n')).map((inner) => ({
    ...inner,
    line: inner.line + fence.line - 1,
    firstLine: inner.firstLine + fence.line - 1,
    lastLine: inner.lastLine + fence.line - 1,
  }));
}

function unindented(line: string, by: number): string {
  let at = 0;
  while (at < by && line[at] === ' ') at++;
  return line.slice(at);
}

/** Begins at the left edge and is no list and no quote: behind an empty line it ends whatever was open. */
const plainLine = /^ {0,3}(?![-*+>] |[-*+>]$|>|\d{1,9}[.)]\s)\S/;

/** The text between the fences already found, cut where nothing goes on: the parser sees only what it is needed for. */
function stretches(lines: readonly string[], fences: readonly Fence[]): { from: number; text: string }[] {
  const out: { from: number; text: string }[] = [];
  const starts = new Map(fences.map((fence) => [fence.firstLine, fence]));
  let from = 0;
  const close = (to: number) => {
    if (to > from) out.push({ from, text: lines.slice(from, to).join('\n') });
  };
  for (let i = 0; i < lines.length; i++) {
    const fence = starts.get(i + 1);
    if (fence !== undefined) {
      close(i);
      i = fence.lastLine - 1;
      from = fence.lastLine;
    } else if (i > from && lines[i - 1]?.trim() === '' && plainLine.test(lines[i] ?? '')) {
      close(i);
      from = i;
    }
  }
  close(lines.length);
  return out;
}

interface Node {
  type: string;
  lang?: string | null;
  meta?: string | null;
  value?: string;
  children?: Node[];
  position?: { start: { line: number }; end: { line: number } } | undefined;
}

/** Marks within a line say nothing about code, and cost most of the parser's time. */
const inlineOff = {
  disable: {
    null: [
      'attention',
      'autolink',
      'characterEscape',
      'characterReference',
      'codeText',
      'hardBreakEscape',
      'htmlFlow',
      'htmlText',
      'labelEnd',
      'labelStartImage',
      'labelStartLink',
    ],
  },
};

function parsedBlocks(markdown: string, above: number): Fence[] {
  const lines = markdown.split('\n');
  const fences: Fence[] = [];
  const visit = (node: Node): void => {
    if (node.type === 'code' && node.position !== undefined && (node.value ?? '').trim() !== '') {
      const { start, end } = node.position;
      const fenced = /(?:`{3,}|~{3,})/.test(lines[start.line - 1] ?? '');
      fences.push({
        label: [node.lang, node.meta].filter((word) => word != null).join(' '),
        text: node.value ?? '',
        line: above + start.line + (fenced ? 1 : 0),
        firstLine: above + start.line,
        lastLine: above + end.line,
        open: false,
      });
    }
    for (const child of node.children ?? []) visit(child);
  };
  visit(fromMarkdown(markdown, { extensions: [inlineOff] }) as Node);
  return fences;
}
