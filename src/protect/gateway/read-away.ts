// What is still coming of a request that is refused already.
import type { IncomingMessage, ServerResponse } from 'node:http';

const maxBytes = 32 * 1_048_576;
const maxMs = 5_000;
/** A body of which nothing comes is not waited for any longer. */
const idleMs = 1_000;

/** More of it is to come. */
export function isUnread({ complete, headers }: IncomingMessage): boolean {
  return !complete && (headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0');
}

/** The whole answer at once, whatever is still coming; only the end of the connection waits for that. */
export function endWith(res: ServerResponse, text: string): void {
  if (!isUnread(res.req)) {
    res.end(text);
    return;
  }
  res.write(text);
  void readAway(res.req).then(() => res.end());
}

/** Takes it in, up to a bound: closing on unread bytes resets the connection, and the refusal is lost with it. */
function readAway(req: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    if (req.complete || req.destroyed) return resolve();
    let bytes = 0;
    const done = () => {
      clearTimeout(timer);
      clearTimeout(idle);
      req.off('data', count).off('end', done).off('close', done).off('error', done);
      resolve();
    };
    const count = (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > maxBytes) done();
      else idle.refresh();
    };
    const timer = setTimeout(done, maxMs);
    const idle = setTimeout(done, idleMs);
    req.on('data', count).on('end', done).on('close', done).on('error', done);
    req.resume();
  });
}
