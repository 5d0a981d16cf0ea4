// The parts of a text that are base64 or URL encoding, decoded once.

export interface EncodedPart {
  /** Where the encoded part stands. */
  start: number;
  end: number;
  text: string;
  encoding: 'base64' | 'url';
}

const longestPart = 4_096;
const base64 = /(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{24,}={0,2}/g;

/** Only what decodes to readable text; longer parts are data, not words. */
export function decodedParts(text: string): EncodedPart[] {
  const parts: EncodedPart[] = [];
  for (const { 0: found, index } of text.matchAll(base64)) {
    if (found.length > longestPart) continue;
    const decoded = Buffer.from(found, 'base64').toString('latin1');
    if (isReadable(decoded)) parts.push({ start: index, end: index + found.length, text: decoded, encoding: 'base64' });
  }
  if (!text.includes('%')) return parts;
  for (const [start, end] of wordsWithPercent(text)) {
    const decoded = decodeUrl(text.slice(start, end));
    if (decoded !== undefined) parts.push({ start, end, text: decoded, encoding: 'url' });
  }
  return parts;
}

/** Cut at white space and quotes by hand: a pattern with free length on both sides of the % would take quadratic time. */
function* wordsWithPercent(text: string): Iterable<[number, number]> {
  for (const { 0: word, index } of text.matchAll(/(?<![^\s"'`<>\x80-\uffff])[^\s"'`<>\x80-\uffff]+/g)) {
    if (word.length <= longestPart && /%[0-9A-Fa-f]{2}/.test(word)) yield [index, index + word.length];
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
  for (let at = 0; at < decoded.length; at++) {
    const code = decoded.charCodeAt(at);
    if ((code >= 32 && code < 127) || code === 10 || code === 13 || code === 9) readable++;
  }
  return decoded.length >= 12 && readable >= decoded.length * 0.95;
}
