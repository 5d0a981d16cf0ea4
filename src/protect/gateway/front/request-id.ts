// The id of a request, the same for whoever asks: on the answer, in the journal, in what was found before it was anybody's.
import type { IncomingMessage } from 'node:http';
import { newRequestId } from '../converse.ts';

const ids = new WeakMap<IncomingMessage, string>();

export function requestIdOf(req: IncomingMessage): string {
  const known = ids.get(req);
  if (known !== undefined) return known;
  const id = newRequestId();
  ids.set(req, id);
  return id;
}
