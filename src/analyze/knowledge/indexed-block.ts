// A code block with the code patterns that are worth trying on it.
import type { CodeBlock } from '../conversation.ts';
import { knowledge } from './knowledge.ts';

export interface IndexedBlock {
  block: CodeBlock;
  /** By the index of a code pattern: which of its parts may match, bit by bit. */
  candidates: Uint32Array;
}

export function indexed(blocks: readonly CodeBlock[]): IndexedBlock[] {
  return blocks.map((block) => ({ block, candidates: knowledge().code.candidates(block.text) }));
}
