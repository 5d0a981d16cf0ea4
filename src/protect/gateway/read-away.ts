// What is still coming of a request that is refused already.
import type { IncomingMessage } from 'node:http';

const maxBytes = 32 * 1_048_576;
const maxMs = 5_000;

/** Takes it in, up to a bound: closing on unread bytes resets the connection, and the refusal is lost with it. */
export function readAway(req: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    if (req.complete || req.destroyed) return resolve();
    let bytes = 0;
    const done = () => {
      clearTimeout(timer);
      req.off('data', count).off('end', done).off('close', done).off('error', done);
      resolve();
    };
    const count = (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > maxBytes) done();
    };
    const timer = setTimeout(done, maxMs);
    req.on('data', count).on('end', done).on('close', done).on('error', done);
    req.resume();
  });
}
