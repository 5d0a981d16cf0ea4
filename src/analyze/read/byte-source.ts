// A stream of bytes as this part reads it: its head looked at first, marks of encoding taken away, UTF-16 made UTF-8.

export type Chunks = AsyncIterable<Uint8Array>;

export interface Peeked {
  head: Buffer;
  /** Everything, the head included. */
  chunks: Chunks;
}

const headBytes = 8_192;

export async function peek(source: Chunks): Promise<Peeked> {
  const iterator = source[Symbol.asyncIterator]();
  const first: Uint8Array[] = [];
  let held = 0;
  while (held < headBytes) {
    const next = await iterator.next();
    if (next.done === true) break;
    first.push(next.value);
    held += next.value.length;
  }
  return { head: Buffer.concat(first).subarray(0, headBytes), chunks: together(first, iterator) };
}

async function* together(first: readonly Uint8Array[], rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* first;
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}

export type Kind = 'empty' | 'zip' | 'gzip' | 'binary' | 'list' | 'values' | 'page' | 'text';

/** What the first bytes say; never the name. */
export function kindOf(head: Buffer): Kind {
  if (head.length === 0) return 'empty';
  if (head[0] === 0x50 && head[1] === 0x4b && [0x03, 0x05, 0x07].includes(head[2] ?? 0)) return 'zip';
  if (head[0] === 0x1f && head[1] === 0x8b) return 'gzip';
  if (encodingOf(head) === 'utf-8' && (head.includes(0) || head.subarray(0, 5).toString('latin1') === '%PDF-'))
    return 'binary';
  const start = decoded(head).trimStart();
  if (start === '') return 'empty';
  if (/^\[\s*(?:[[{"\]]|$|[-\d]|true|false|null)/.test(start)) return 'list';
  if (start.startsWith('{')) return 'values';
  return start.startsWith('<') ? 'page' : 'text';
}

function decoded(head: Buffer): string {
  const encoding = encodingOf(head);
  return new TextDecoder(encoding).decode(head);
}

function encodingOf(head: Buffer): 'utf-8' | 'utf-16le' | 'utf-16be' {
  if (head[0] === 0xff && head[1] === 0xfe) return 'utf-16le';
  if (head[0] === 0xfe && head[1] === 0xff) return 'utf-16be';
  if (head.length >= 4 && head[0] !== 0 && head[1] === 0 && head[2] !== 0 && head[3] === 0) return 'utf-16le';
  if (head.length >= 4 && head[0] === 0 && head[1] !== 0 && head[2] === 0 && head[3] !== 0) return 'utf-16be';
  return 'utf-8';
}

/** The same text as UTF-8 without a mark, and what that took. */
export function asUtf8({ head, chunks }: Peeked): { chunks: Chunks; repairs: string[] } {
  const encoding = encodingOf(head);
  if (encoding !== 'utf-8') return { chunks: recoded(chunks, encoding), repairs: ['utf-16'] };
  if (head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf) return { chunks: without(chunks, 3), repairs: ['bom'] };
  return { chunks, repairs: [] };
}

async function* recoded(chunks: Chunks, encoding: string): AsyncGenerator<Uint8Array> {
  const decoder = new TextDecoder(encoding);
  for await (const chunk of chunks) yield Buffer.from(decoder.decode(chunk, { stream: true }));
  yield Buffer.from(decoder.decode());
}

async function* without(chunks: Chunks, bytes: number): AsyncGenerator<Uint8Array> {
  let left = bytes;
  for await (const chunk of chunks) {
    const skipped = Math.min(left, chunk.length);
    left -= skipped;
    yield chunk.subarray(skipped);
  }
}

/** From the first byte on that is no white space of JSON. */
export async function* behindBlanks(chunks: Chunks): AsyncGenerator<Uint8Array> {
  let begun = false;
  for await (const chunk of chunks) {
    const from = begun
      ? 0
      : chunk.findIndex((byte) => byte !== 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d);
    if (from < 0) continue;
    begun = true;
    yield chunk.subarray(from);
  }
}
