// The list of conversations that ChatGPT's chat.html holds in its script, streamed; any other page as a whole.
import type { Chunks } from './byte-source.ts';

export type Page =
  | { kind: 'list'; chunks: Chunks }
  | { kind: 'whole'; bytes: Uint8Array<ArrayBuffer> }
  | { kind: 'too-large' };

/** How far into the page the script may begin. */
const searchBytes = 4 * 2 ** 20;

export async function* pageLists(chunks: Chunks, maxBytes: number): AsyncGenerator<Page> {
  const iterator = chunks[Symbol.asyncIterator]();
  const held: Uint8Array[] = [];
  let size = 0;
  let searched = false;
  for (;;) {
    const next = await iterator.next();
    if (next.done !== true) {
      held.push(next.value);
      size += next.value.length;
    }
    if (!searched) {
      const sofar = Buffer.concat(held);
      const match = /\bjsonData\s*=\s*\[/.exec(sofar.subarray(0, searchBytes + 1_024).toString('latin1'));
      if (match !== null) {
        const start = match.index + match[0].length - 1;
        return yield { kind: 'list', chunks: from(sofar.subarray(start), iterator) };
      }
      searched = size > searchBytes;
    }
    if (size > maxBytes) return yield { kind: 'too-large' };
    if (next.done === true) return yield { kind: 'whole', bytes: new Uint8Array(Buffer.concat(held)) };
  }
}

async function* from(first: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield first;
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}
