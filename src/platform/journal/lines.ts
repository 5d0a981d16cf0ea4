// Lines of a file as bytes, one chunk in memory at a time.
import { createReadStream } from 'node:fs';

export interface Line {
  number: number;
  bytes: Buffer;
  /** False for what follows the last line feed. */
  complete: boolean;
}

/** No line that Rempart writes is longer; what goes on beyond this is handed out in one piece, so that memory stays bounded. */
const maxLineBytes = 4_194_304;

export async function* linesOf(path: string): AsyncGenerator<Line> {
  let held: Buffer[] = [];
  let heldBytes = 0;
  let number = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 262_144 }) as AsyncIterable<Buffer>) {
    let from = 0;
    for (let at = chunk.indexOf(0x0a); at >= 0; at = chunk.indexOf(0x0a, from)) {
      number += 1;
      yield { number, bytes: Buffer.concat([...held, chunk.subarray(from, at)]), complete: true };
      held = [];
      heldBytes = 0;
      from = at + 1;
    }
    held.push(chunk.subarray(from));
    heldBytes += chunk.length - from;
    if (heldBytes > maxLineBytes) {
      number += 1;
      yield { number, bytes: Buffer.concat(held), complete: true };
      held = [];
      heldBytes = 0;
    }
  }
  if (heldBytes > 0) yield { number: number + 1, bytes: Buffer.concat(held), complete: false };
}
