// The journal as it stands, in a line that can be kept elsewhere: the head of a stream and the checkpoint that signs it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Log } from '../../platform/base/log.ts';
import { checkpointsFile, readCheckpoint } from '../../platform/journal/checkpoint.ts';
import type { Journal } from '../../platform/journal/journal.ts';
import type { JournalMark } from './notice.ts';

export interface MarkParts {
  /** Of the journal. */
  dir: string;
  journal: Pick<Journal, 'checkpoint'>;
  log: Log;
}

/** Signs now and reads what was signed; null when that cannot be had: an alert does not wait for it. */
export function journalMark({ dir, journal, log }: MarkParts, stream = 'respond'): () => Promise<JournalMark | null> {
  return async () => {
    try {
      await journal.checkpoint();
      return readMark(dir, stream);
    } catch (error) {
      log.warn({ err: error }, 'the journal could not be signed for a notification');
      return null;
    }
  };
}

/** Of the newest checkpoint on disk; null when there is none for this stream. */
export function readMark(dir: string, stream: string): JournalMark | null {
  const bytes = readFileSync(join(dir, checkpointsFile));
  const end = bytes.lastIndexOf(0x0a);
  if (end < 0) return null;
  const read = readCheckpoint(bytes.subarray(bytes.lastIndexOf(0x0a, end - 1) + 1, end), null);
  if (read.kind !== 'checkpoint') return null;
  const { heads, key, seq, signature } = read.checkpoint;
  const head = heads[stream];
  return head === undefined ? null : { stream, seq: head.seq, hash: head.hash, checkpoint: seq, key, signature };
}
