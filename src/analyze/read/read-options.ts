// What reading exports needs from outside, and its limits.
import type { Readable } from 'node:stream';
import type { Lang } from '../../platform/i18n/say.ts';

export interface ReadOptions {
  /** Where `-` reads from. */
  stdin?: Readable;
  /** The language of `why`. */
  lang?: Lang;
  limits?: Partial<ReadLimits>;
  /** Bytes of input read so far, as they lie on disk. */
  onBytes?: (bytes: number) => void;
}

export interface ReadLimits {
  /** One conversation: more than this is broken, and the reading goes on behind it. */
  conversationBytes: number;
  /** A file that is one conversation as a whole (a list of messages, a page, a log). */
  fileBytes: number;
  /** Members of one archive. */
  entries: number;
  /** Members of all archives that lie in other archives, over all levels and files of one run: packed twice they cost nothing to send. */
  nestedEntries: number;
  /** An archive within an archive within … */
  nesting: number;
  /** What one member may grow to, and how many times its packed size; text packs 3 to 30 times. */
  inflatedBytes: number;
  inflatedRatio: number;
}

export const readLimits: ReadLimits = {
  conversationBytes: 96 * 2 ** 20,
  fileBytes: 96 * 2 ** 20,
  entries: 100_000,
  nestedEntries: 10_000,
  nesting: 3,
  inflatedBytes: 16 * 2 ** 30,
  inflatedRatio: 200,
};
