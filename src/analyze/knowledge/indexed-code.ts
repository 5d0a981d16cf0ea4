// The code of a conversation by the patterns that are worth trying on it.
import type { CodeBlock } from '../conversation.ts';
import { knowledge } from './knowledge.ts';

/** A block, and which parts of a pattern may match in it, bit by bit. */
export interface WorthTrying {
  block: CodeBlock;
  mask: number;
}

/** By the index of a code pattern; those that can match nowhere are not in it. */
export type IndexedCode = ReadonlyMap<number, readonly WorthTrying[]>;

/** Blocks in their order. */
export function indexed(blocks: readonly CodeBlock[]): IndexedCode {
  const byPattern = new Map<number, WorthTrying[]>();
  const { code } = knowledge();
  for (const block of blocks) {
    code.candidates(block.text, (pattern, mask) => {
      const list = byPattern.get(pattern);
      if (list === undefined) byPattern.set(pattern, [{ block, mask }]);
      else list.push({ block, mask });
    });
  }
  return byPattern;
}
