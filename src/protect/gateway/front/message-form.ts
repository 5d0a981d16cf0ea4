// Requests that two servers could read differently: refused before anything acts on them (RFC 9112 §11.2). What the parser refuses by itself is not looked for again.
import type { IncomingMessage } from 'node:http';

export type Malformed = 'version' | 'duplicate' | 'length' | 'encoding' | 'expectation' | 'target' | 'headers';

/** Said twice, each of them could be believed by another. */
const once: ReadonlySet<string> = new Set([
  'host',
  'content-length',
  'transfer-encoding',
  'content-type',
  'content-encoding',
  'authorization',
  'origin',
  'expect',
]);
const longestTarget = 4_096;

/** `maxHeaders`: the server must keep one more than that, or those beyond vanish unseen. */
export function malformed(req: IncomingMessage, maxHeaders: number): Malformed | undefined {
  const { rawHeaders, headers, httpVersion } = req;
  if (rawHeaders.length / 2 > maxHeaders) return 'headers';
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return 'version';
  let seen = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!.toLowerCase();
    if (!once.has(name)) continue;
    const bit = bits.get(name)!;
    if ((seen & bit) !== 0) return 'duplicate';
    seen |= bit;
  }
  const encoding = headers['transfer-encoding'];
  if (encoding !== undefined) {
    if (encoding.toLowerCase() !== 'chunked' || httpVersion !== '1.1') return 'encoding';
    if (headers['content-length'] !== undefined) return 'length';
  }
  const length = headers['content-length'];
  if (length !== undefined && !/^\d{1,15}$/.test(length)) return 'length';
  const { expect } = headers;
  if (expect !== undefined && expect.toLowerCase() !== '100-continue') return 'expectation';
  const url = req.url ?? '';
  return url.length > longestTarget || !/^[!-~]+$/.test(url) || /[\\#]/.test(url) ? 'target' : undefined;
}

const bits = new Map([...once].map((name, index) => [name, 1 << index]));
