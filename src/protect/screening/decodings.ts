// What stands in a text in base64, hex, URL or markup escapes, rotated or reversed; decoded once.

/** In the order of the kinds; what decodes to noise is left out. Linear in the length of the text. */
export function decodings(text: string): string[] {
  const found: string[] = [];
  const add = (one: string): void => {
    if (one !== '') found.push(one);
  };
  for (const run of base64Runs(text)) add(fromBase64(run));
  if (mayHoldHex(text) && hexSign.test(text))
    for (const [run] of text.matchAll(hexRun))
      add(wordsOf(Buffer.from(run.replace(/0x|\\x|[^0-9a-fA-F]/g, ''), 'hex')));
  if (text.includes('%') && /%[0-9a-fA-F]{2}/.test(text)) add(wordsIn(unescapeUrl(text)));
  if (/\\u[0-9a-fA-F]{4}|&#x?[0-9a-fA-F]+;/.test(text)) add(wordsIn(unescapeMarkup(text)));
  if (foreign(text.slice(0, 1000))) {
    const folded = text.toLowerCase();
    const turned = [
      folded.replace(/[a-z]/g, (one) => String.fromCharCode(((one.charCodeAt(0) - 84) % 26) + 97)),
      [...folded].reverse().join(''),
    ];
    found.push(...turned.filter(readable));
  }
  return found;
}

const hexRun = /(?:(?:0x|\\x)?[0-9a-fA-F]{2}[\s,:;-]{0,2}){6,2048}/g;
const hexSign = /[0-9a-fA-F]{12}|(?:[0-9a-fA-F]{2}[\s,:;-]{1,2}){5}[0-9a-fA-F]{2}|(?:0x|\\x)[0-9a-fA-F]{2}/;

/** Twelve digits with nothing but what may stand between them, or an escape: cheaper than the patterns, which then look closely. */
function mayHoldHex(text: string): boolean {
  let digits = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if ((code >= 48 && code <= 57) || (code >= 97 && code <= 102) || (code >= 65 && code <= 70)) {
      if (++digits === 12) return true;
    } else if (code === 120) {
      const before = text.charCodeAt(at - 1);
      if (before === 48 || before === 92) return true;
      digits = 0;
    } else if (code !== 44 && code !== 45 && code !== 58 && code !== 59 && code > 32 && code < 0x80) digits = 0;
  }
  return false;
}

/** Groups of this many signs at most may have spaces between them. */
const longestGroup = 16;
/** Behind something else fewer are chance. */
const leastBehind = 15;

/** Runs of at least twelve of base64's characters that mix cases or digits, as an encoded sentence does and a word does not. */
function base64Runs(text: string): string[] {
  const runs: string[] = [];
  let start = 0;
  let from = 0;
  let upper = false;
  let lower = false;
  let digit = false;
  let group = 0;
  let groups = 0;
  for (let at = 0; at <= text.length; at++) {
    const code = at < text.length ? text.charCodeAt(at) : 0;
    if (code >= 97 && code <= 122) lower = true;
    else if (code >= 65 && code <= 90) upper = true;
    else if (code >= 48 && code <= 57) digit = true;
    else if (code !== 43 && code !== 47 && code !== 45 && code !== 95) {
      const next = goesOn(text, at, at - from, group, groups);
      if (next > 0) {
        group = at - from;
        groups++;
        from = next;
        at = next - 1;
        continue;
      }
      if (at - start >= 12 && upper && (lower || digit)) {
        const run = text.slice(start, at).replace(/\s+/g, '');
        if (/[a-z][A-Z0-9]|\d[a-zA-Z]/.test(run)) runs.push(run);
      }
      start = from = at + 1;
      group = groups = 0;
      upper = lower = digit = false;
    }
  }
  return runs;
}

/**
 * Where the next line or group of a run begins whose last one, of so many signs, ended at `at`; 0 where it is over. All
 * but the last are as long as the first (RFC 2045: 76 signs), and hold whole bytes.
 */
function goesOn(text: string, at: number, length: number, first: number, before: number): number {
  if (length < 4 || length % 4 !== 0 || (before > 0 && length !== first)) return 0;
  const isGroup = text.charCodeAt(at) === 32;
  if (isGroup && length > longestGroup) return 0;
  let next = at;
  if (text.charCodeAt(next) === 13) next++;
  if (!isGroup && text.charCodeAt(next) !== 10) return 0;
  next++;
  let end = next;
  while (end - next <= length && isBase64(text.charCodeAt(end))) end++;
  // One shorter word behind a run is a word.
  const least = isGroup && before < 2 ? length : 1;
  return end - next >= least && end - next <= length ? next : 0;
}

function isBase64(code: number): boolean {
  const isLetter = (code >= 97 && code <= 122) || (code >= 65 && code <= 90);
  return isLetter || (code >= 47 && code <= 57) || code === 43 || code === 45 || code === 95;
}

/** `x/` or `key_` before it belongs to no byte: then it begins one, two or three signs later. */
function fromBase64(run: string): string {
  for (let skip = 0; skip < (/[/_-]/.test(run) ? 4 : 1); skip++) {
    const said = wordsOf(Buffer.from(run.slice(skip), 'base64'));
    if (said.length > (skip === 0 ? 0 : leastBehind)) return said;
  }
  return '';
}

/** As UTF-8, or as UTF-16 where every other byte is 0 (PowerShell's -EncodedCommand). */
function wordsOf(bytes: Buffer): string {
  const text = bytes.toString(isWide(bytes) ? 'utf16le' : 'utf8');
  const words = wordsIn(text);
  if (words !== '') return words;
  const longest = text.match(pieces)?.reduce((a, b) => (b.length > a.length ? b : a)) ?? '';
  return longest.length >= text.length * 0.8 && readable(longest) && latin.test(longest) ? longest : '';
}

/** Of a text that is noise for a part, the rest; '' for noise. */
function wordsIn(text: string): string {
  return readable(text) ? text : (text.match(stretches)?.filter(isVaried).join(' ') ?? '');
}

/** As words are, and the dots of a picture are not. */
function isVaried(text: string): boolean {
  return /\p{L}{2}/u.test(text) && new Set(text.slice(0, 200)).size >= Math.min(6, text.length / 2);
}

function isWide(bytes: Buffer): boolean {
  const looked = Math.min(bytes.length, 64);
  let zeros = 0;
  for (let at = 1; at < looked; at += 2) if (bytes[at] === 0) zeros++;
  return zeros > looked / 3;
}

/** The escapes that are valid UTF-8, others left as they are. */
function unescapeUrl(text: string): string {
  return text
    .replace(/(?:%[0-9a-fA-F]{2})+/g, (run) => {
      const read = Buffer.from(run.replaceAll('%', ''), 'hex').toString('utf8');
      return read.includes('\ufffd') ? run : read;
    })
    .replaceAll('+', ' ');
}

function unescapeMarkup(text: string): string {
  const letter = (code: number, run: string): string =>
    code > 0 && code < 0x110000 ? String.fromCodePoint(code) : run;
  return text
    .replace(/\\u([0-9a-fA-F]{4})/g, (run, code: string) => letter(Number.parseInt(code, 16), run))
    .replace(/&#x([0-9a-fA-F]{1,6});/g, (run, code: string) => letter(Number.parseInt(code, 16), run))
    .replace(/&#(\d{1,7});/g, (run, code: string) => letter(Number(code), run));
}

/** Mostly letters and spaces, at least six characters: noise that happens to decode is dropped. */
export function readable(text: string): boolean {
  if (text.length < 6 || text.includes('\ufffd')) return false;
  const letters = text.match(wordSigns)?.length ?? 0;
  return letters / text.length > 0.85 && isVaried(text);
}

const ofWords = String.raw`\p{L}\p{N} .,;:!?'"()\-_/\n=[\]{}`;
const wordSigns = new RegExp(`[${ofWords}]`, 'gu');
/** So many in a row, with no more than single signs between them, are no chance. */
const stretches = new RegExp(`(?:[${ofWords}]|[^${ofWords}\ufffd](?=[${ofWords}])){16,}`, 'gu');
const pieces = /[^\ufffd]+/g;
const latin = /^[\s\x20-\x7e\xa0-\u024f]+$/;

const common =
  /\b(?:the|and|you|your|of|to|in|is|for|with|this|that|what|how|le|la|les|de|des|du|un|une|et|est|vous|votre|je|tu|que|qui|pour|dans|en|der|die|das|und|ist|el|los|il|di|che|do|da|um|que|me|my|all|a|i)\b/;

/** Several words and none that any of our languages uses all the time: perhaps rotated or reversed. */
function foreign(text: string): boolean {
  const words = text.toLowerCase().match(/[a-z]{2,}/g);
  if (words === null || words.length < 4) return false;
  let known = 0;
  for (const word of words.slice(0, 60)) if (common.test(word)) known++;
  return known / Math.min(words.length, 60) < 0.05;
}
