// The id of a request, the same for whoever asks: on the answer, in the journal, in what was found before it was anybody's.
import { randomFillSync } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { notesOf } from '../request-notes.ts';

export function requestIdOf(req: IncomingMessage): string {
  const notes = notesOf(req);
  notes.id ??= newRequestId();
  return notes.id;
}

/** Fit for a header, a log and the journal; a client's own id is not taken over, since it could forge another's. */
export function newRequestId(): string {
  if (drawn === random.length) {
    randomFillSync(random);
    drawn = 0;
  }
  drawn += idBytes;
  return `req_${random.toString('hex', drawn - idBytes, drawn)}`;
}

const idBytes = 16;
/** Drawn for many at once: a call for each takes 1 µs. */
const random = Buffer.alloc(256 * idBytes);
let drawn = random.length;
