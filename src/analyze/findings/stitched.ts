// What only shows when the pieces of a file are read together: a value taken in one answer that reaches a file in another.
import type { Language } from '../../platform/inspection/ast/languages.ts';
import type { CodeMatch } from '../../platform/inspection/code-rules/inspect-code.ts';
import type { CodeBlock } from '../conversation.ts';
import { stitchFiles } from '../extract/stitch-files.ts';
import { inspected } from './inspected.ts';

/** More than the pieces' own matches, each in the block that holds its line, with lines as the block counts them. */
export function stitchedMatches(blocks: readonly CodeBlock[]): ReadonlyMap<CodeBlock, readonly CodeMatch[]> {
  const found = new Map<CodeBlock, CodeMatch[]>();
  for (const { language, text, lines } of stitchFiles(blocks)) {
    for (const match of inspected(language as Language, text)) {
      const place = lines[match.line - 1];
      // What a piece shows by itself is told by itself.
      if (place === undefined || showsItself(place)) continue;
      // A match may run over the seam: its end is told as far as its own piece goes.
      const end = lines.slice(match.line - 1, match.endLine).findLast(({ block }) => block === place.block) ?? place;
      const mapped = { rule: match.rule, line: place.line, endLine: Math.max(place.line, end.line) };
      found.set(place.block, [...(found.get(place.block) ?? []), mapped]);
    }
  }
  return found;
}

function showsItself({ block, line }: { block: CodeBlock; line: number }): boolean {
  return inspected(block.language as Language, block.text).some(
    (own) => own.line <= line && line <= Math.max(own.line, own.endLine),
  );
}
