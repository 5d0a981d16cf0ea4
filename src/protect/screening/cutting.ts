// How a text is cut into words and segments, and how hashes are mixed.

/** Characters up to U+02FF that words are made of; above, all are. */
const wordCodes = Uint8Array.from({ length: 0x300 }, (_, code) =>
  (code >= 97 && code <= 122) || (code >= 48 && code <= 57) || code === 95 || (code >= 0xc0 && code <= 0x24f) ? 1 : 0,
);

export function isWord(code: number): boolean {
  return code >= 0x300 || wordCodes[code] === 1;
}

/** A new line, a cell, a tag, a closing mark before a space. */
export function endsSegment(code: number, next: number): boolean {
  if (code === 10 || code === 9 || code === 124) return true;
  if (code === 46 || code === 33 || code === 63 || code === 59 || code === 0x2026)
    return Number.isNaN(next) || next === 32 || next === 10 || next === 34 || next === 0xbb;
  return false;
}

/** Whether what follows a character stands in quotation marks; a quotation ends with its paragraph at the latest. */
export function quotes(code: number, next: number, before: boolean): boolean {
  if (code === 0x22 || code === 0x60) return !before;
  if (code === 0xab || code === 0x201c || code === 0x201e) return true;
  if (code === 0xbb || code === 0x201d || (code === 10 && next === 10)) return false;
  return before;
}

export function mix(a: number, b: number, salt: number): number {
  const mixed = Math.imul(a ^ (a >>> 16), 0x85ebca6b) ^ Math.imul(b + salt, 0xc2b2ae35);
  return Math.imul(mixed ^ (mixed >>> 13), 0x27d4eb2f);
}

export function grown<T extends Int32Array | Float64Array>(old: T, next: T): T {
  next.set(old);
  return next;
}
