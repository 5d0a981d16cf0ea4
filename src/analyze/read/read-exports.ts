// Reads exported conversations from files, folders, archives and standard input, in their order.
import type { ReadItem } from '../conversation.ts';
import { cutExports } from './cut-exports.ts';
import type { ReadOptions } from './read-options.ts';
import { readPiece } from './read-piece.ts';

/**
 * Every conversation of the input, and what could not be read as one, in the order of the input; `-` is standard input,
 * a folder is walked. Throws ERR_EXPORT_MISSING before the first item when a path does not exist.
 */
export async function* readExports(paths: readonly string[], options: ReadOptions = {}): AsyncGenerator<ReadItem> {
  for await (const cut of cutExports(paths, options)) {
    if (cut.kind === 'item') yield cut.item;
    else yield* readPiece(cut.piece, options.lang ?? 'en');
  }
}
