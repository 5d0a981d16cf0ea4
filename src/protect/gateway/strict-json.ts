// Bytes -> one JSON value that every reader of it understands alike: no duplicate key, no odd encoding, no depth bomb.
import { isUtf8 } from 'node:buffer';
import { RempartError } from '../../platform/base/errors.ts';
import type { Json } from '../../platform/base/json.ts';

/**
 * Parses a request body. Throws ERR_BODY_ENCODING, ERR_BODY_JSON, ERR_BODY_DEPTH, ERR_BODY_DUPLICATE_KEY.
 * Go's encoding/json lets the later of two equal keys win, others the first: refusing both closes that gap.
 */
export function parseStrictJson(bytes: Buffer, maxDepth: number): Json {
  if (!isUtf8(bytes) || startsWithBom(bytes)) throw new RempartError('ERR_BODY_ENCODING');
  const text = bytes.toString('utf8');
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch {
    // Not kept as cause: V8 quotes the body in its message.
    throw new RempartError('ERR_BODY_JSON');
  }
  inspect(text, maxDepth);
  return value;
}

function startsWithBom(bytes: Buffer): boolean {
  return bytes.length >= 3 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
}

const quote = 0x22;
const backslash = 0x5c;

/** Walks text that JSON.parse accepted, so the grammar is known to hold and only keys, depth and numbers are looked at. */
function inspect(text: string, maxDepth: number): void {
  // One entry per open bracket: the keys seen so far, or undefined in an array.
  const open: (Set<string> | undefined)[] = [];
  let keyNext = false;
  let at = 0;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === quote) {
      const end = endOfString(text, at);
      if (keyNext) takeKey(open[open.length - 1]!, text, at, end);
      else refuseLoneSurrogate(text, at, end);
      keyNext = false;
      at = end;
      continue;
    }
    if (code === 0x7b || code === 0x5b) {
      open.push(code === 0x7b ? new Set() : undefined);
      if (open.length > maxDepth) throw new RempartError('ERR_BODY_DEPTH', { limit: maxDepth });
      keyNext = code === 0x7b;
    } else if (code === 0x7d || code === 0x5d) {
      open.pop();
      keyNext = false;
    } else if (code === 0x2c) {
      keyNext = open[open.length - 1] !== undefined;
    } else if (code === 0x2d || (code >= 0x30 && code <= 0x39)) {
      at = endOfNumber(text, at);
      continue;
    }
    at++;
  }
}

/** The index after the closing quote. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  for (;;) {
    const close = text.indexOf('"', at);
    let slashes = 0;
    while (text.charCodeAt(close - 1 - slashes) === backslash) slashes++;
    if (slashes % 2 === 0) return close + 1;
    at = close + 1;
  }
}

function takeKey(seen: Set<string>, text: string, start: number, end: number): void {
  const raw = text.slice(start + 1, end - 1);
  const key = raw.includes('\\') ? (JSON.parse(text.slice(start, end)) as string) : raw;
  if (seen.has(key)) throw new RempartError('ERR_BODY_DUPLICATE_KEY', { key: key.slice(0, 60) });
  if (!key.isWellFormed()) throw new RempartError('ERR_BODY_ENCODING');
  seen.add(key);
}

/** A lone surrogate, which only an escape can spell, is U+FFFD to one reader and kept by another. */
function refuseLoneSurrogate(text: string, start: number, end: number): void {
  // Only inside this string: a search to the end of the body for each of its strings would be quadratic.
  const raw = text.slice(start, end);
  if (raw.includes('\\') && !(JSON.parse(raw) as string).isWellFormed()) throw new RempartError('ERR_BODY_ENCODING');
}

/** The index after the number; 1e999 is Infinity to us and an error to others. */
function endOfNumber(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && '0123456789.eE+-'.includes(text[at]!)) at++;
  if (!Number.isFinite(Number(text.slice(start, at)))) throw new RempartError('ERR_BODY_JSON');
  return at;
}
