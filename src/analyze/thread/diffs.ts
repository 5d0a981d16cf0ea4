// A diff in a conversation read as what it is: the code as it was, and the code as it becomes, each line at its place.
import { detectLanguage } from '../../platform/inspection/ast/detect-language.ts';
import { languageOfLabel } from '../../platform/inspection/ast/languages.ts';
import type { CodeBlock } from '../conversation.ts';
import { endingOf } from '../extract/file-names.ts';

const heading =
  /^(?:diff --git |index [0-9a-f]+\.\.|--- |\+\+\+ |@@|\\ No newline|new file mode|deleted file mode|similarity index|rename (?:from|to) )/;
/** A list in prose begins with - too: a diff has a hunk, or most of its lines carry a mark. */
const hunk = /^@@ .*@@|^diff --git /m;
const marked = 0.3;

/** Blocks that are no diff stay as they are; of a diff the old state comes first. Line numbers hold in both. */
export function withDiffsRead(blocks: readonly CodeBlock[]): { blocks: CodeBlock[]; old: ReadonlySet<CodeBlock> } {
  const old = new Set<CodeBlock>();
  const read = blocks.flatMap((block) => {
    if (!isDiff(block)) return [block];
    const { before, after } = statesOf(block);
    if (before !== null) old.add(before);
    return before === null ? [after] : [before, after];
  });
  return { blocks: read, old };
}

function isDiff({ text, language, languageBy }: CodeBlock): boolean {
  if (language !== 'unknown' && languageBy === 'label' && !hunk.test(text)) return allMarked(text, 1);
  if (hunk.test(text)) return true;
  // A fence for diffs may show nothing but what is new.
  return language === 'unknown' && allMarked(text, languageBy === 'label' ? 0 : 1);
}

/** Both marks are there, `-` as often as asked, and every line that is not one of them is indented by the column that the marks take. */
function allMarked(text: string, leastMinus: number): boolean {
  const lines = text.split('\n').filter((line) => line.trim() !== '' && !heading.test(line));
  const minus = lines.filter((line) => /^-(?!-)/.test(line)).length;
  const plus = lines.filter((line) => /^\+(?!\+)/.test(line)).length;
  const rest = lines.filter((line) => /^ /.test(line)).length;
  return (
    minus >= leastMinus && plus > 0 && minus + plus + rest === lines.length && minus + plus >= lines.length * marked
  );
}

function statesOf(block: CodeBlock): { before: CodeBlock | null; after: CodeBlock } {
  const lines = block.text.split('\n');
  const file = /^\+\+\+ (?:b\/)?(\S+)/m.exec(block.text)?.[1];
  const before = side(lines, '-');
  const after = side(lines, '+');
  const ending = file === undefined ? null : endingOf(file);
  const filed = ending === null ? null : languageOfLabel(ending);
  const known = block.language === 'unknown' ? null : block.language;
  const language = filed ?? known ?? detectLanguage(after)?.language ?? 'unknown';
  const named = { ...block, language, ...(file !== undefined && file !== '/dev/null' && { file }) };
  // What a diff takes away was there before the answer: it is not of the one who answers.
  const author = block.author === 'assistant' ? ('user' as const) : block.author;
  const removes = lines.some((line) => line.startsWith('-') && !heading.test(line));
  return {
    before: removes ? { ...named, author, text: before, before: '', after: '' } : null,
    after: { ...named, text: after, before: '' },
  };
}

function side(lines: readonly string[], mark: '-' | '+'): string {
  return lines
    .map((line) => {
      if (heading.test(line)) return '';
      if (line.startsWith(mark) || line.startsWith(' ')) return line.slice(1);
      return /^[-+]/.test(line) ? '' : line;
    })
    .join('\n');
}
