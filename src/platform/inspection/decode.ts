// The parts of a text that are base64 or URL encoding, decoded once.
import { charCodeAt } from '../base/char-code-at.ts';

export interface EncodedPart {
  /** Where the encoded part stands. */
  start: number;
  end: number;
  text: string;
  encoding: 'base64' | 'url';
}

const longestPart = 4_096;
/** Fewer signs hold too little to be a secret, and are what ordinary words are made of. */
const shortestPart = 24;
const base64Signs = signs(/[A-Za-z0-9+/_-]/);
/** What stands around a word with URL encoding in it. */
const notInUrl = signs(/[\s"'`<>]/);

/** Only what decodes to readable text; longer parts are data, not words. */
export function decodedParts(text: string): EncodedPart[] {
  const parts: EncodedPart[] = [];
  for (const [start, end] of base64Runs(text)) {
    if (end - start > longestPart) continue;
    const decoded = Buffer.from(text.slice(start, end), 'base64').toString('latin1');
    if (isReadable(decoded)) parts.push({ start, end, text: decoded, encoding: 'base64' });
  }
  if (!text.includes('%')) return parts;
  for (const [start, end] of wordsWithPercent(text)) {
    const decoded = decodeUrl(text.slice(start, end));
    if (decoded !== undefined) parts.push({ start, end, text: decoded, encoding: 'url' });
  }
  return parts;
}

function signs(of: RegExp): Uint8Array {
  return Uint8Array.from({ length: 128 }, (_, code) => Number(of.test(String.fromCharCode(code))));
}

/** A run is met by one probe in each `shortestPart` signs: most of a text is never looked at. */
function base64Runs(text: string): [number, number][] {
  const runs: [number, number][] = [];
  const { length } = text;
  let least = 0;
  for (let probe = shortestPart - 1; probe < length; ) {
    if (!isBase64(charCodeAt(text, probe))) {
      probe += shortestPart;
      continue;
    }
    let start = probe;
    while (start > least && isBase64(charCodeAt(text, start - 1))) start--;
    let end = probe + 1;
    while (end < length && isBase64(charCodeAt(text, end))) end++;
    least = end;
    probe = end + shortestPart;
    if (end - start < shortestPart) continue;
    for (let more = 0; more < 2 && text[end] === '='; more++) end++;
    runs.push([start, end]);
  }
  return runs;
}

function isBase64(code: number): boolean {
  return code < 128 && base64Signs[code] === 1;
}

/** Cut by hand: a pattern with free length on both sides of the % would take quadratic time. */
function* wordsWithPercent(text: string): Iterable<[number, number]> {
  const { length } = text;
  const within = (at: number) => {
    const code = charCodeAt(text, at);
    return code < 128 && notInUrl[code] === 0;
  };
  let least = 0;
  for (let at = text.indexOf('%'); at >= 0; at = text.indexOf('%', Math.max(at + 1, least))) {
    if (!/^%[0-9A-Fa-f]{2}/.test(text.slice(at, at + 3))) continue;
    let start = at;
    while (start > least && within(start - 1)) start--;
    let end = at + 1;
    while (end < length && within(end)) end++;
    least = end;
    if (end - start <= longestPart) yield [start, end];
  }
}

function decodeUrl(word: string): string | undefined {
  try {
    return decodeURIComponent(word);
  } catch {
    return undefined;
  }
}

function isReadable(decoded: string): boolean {
  let readable = 0;
  for (let at = 0, { length } = decoded; at < length; at++) {
    const code = charCodeAt(decoded, at);
    if ((code >= 32 && code < 127) || code === 10 || code === 13 || code === 9) readable++;
  }
  return decoded.length >= 12 && readable >= decoded.length * 0.95;
}
