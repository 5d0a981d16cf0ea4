// The id of a request, the same for whoever asks: on the answer, in the journal, in what was found before it was anybody's.
import type { IncomingMessage } from 'node:http';
import { newRequestId } from '../converse.ts';
import { notesOf } from '../request-notes.ts';

export function requestIdOf(req: IncomingMessage): string {
  const notes = notesOf(req);
  notes.id ??= newRequestId();
  return notes.id;
}
