// Analysed conversations kept in their order, however many there are, for reports that go through them as often as they like.
import type { AnalysedConversation } from '../platform/documents/analysis.ts';
import { setAside } from './set-aside.ts';

export interface KeptConversations extends Iterable<AnalysedConversation> {
  /** A conversation as JSON in UTF-8. */
  add(written: Uint8Array): void;
  close(): void;
}

/** Small analyses never touch the disk. */
const inMemoryBytes = 2 * 2 ** 20;

/** What was added is a copy; each walk through it reads it anew. */
export function keepConversations(mostInMemory = inMemoryBytes): KeptConversations {
  const kept = setAside(mostInMemory);
  /** Of each, in order: a number apiece is all that grows with the input. */
  const lengths: number[] = [];
  return {
    add(written) {
      kept.add(written);
      lengths.push(written.length);
    },
    *[Symbol.iterator]() {
      let at = 0;
      for (const length of lengths) {
        yield JSON.parse(kept.read(at, length).toString()) as AnalysedConversation;
        at += length;
      }
    },
    close() {
      kept.close();
      lengths.length = 0;
    },
  };
}
