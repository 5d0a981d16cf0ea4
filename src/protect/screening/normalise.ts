// One text as a reader means it: one Unicode form, no hidden characters, look-alikes and disguises undone, and what was encoded decoded once.

/** The text in the clear, and what hidden or encoded parts of it say. */
export interface Plain {
  text: string;
  /** Texts that stood inside in another form: tag characters, base64, hex, URL escapes, rot13, reversed. */
  decoded: readonly string[];
}

// Zero-width and all other characters that show nothing.
const invisible = /\p{Default_Ignorable_Code_Point}/gu;
const tags = /[\u{e0020}-\u{e007e}]/gu;
/** Variation selectors stand for the bytes 0 to 255 where somebody hides a text in them. */
const selectors = /[\ufe00-\ufe0f\u{e0100}-\u{e01ef}]/gu;
/** Markdown's emphasis that begins or ends inside a word: shown as one word, written as two. */
const partEmphasis = /\p{L}\*\*\p{L}+\*\*|\*\*\p{L}+\*\*\p{L}|(?<![\p{L}\p{N}*])\*\p{L}+\*\p{L}/u;
const marks = /\p{M}+/gu;
const beyondAscii = /[^\x00-\x7f]/;
const beyondLatin = /[^\x00-\u024f\u2000-\u206f\u20a0-\u20bf]/;

/** Letters of other scripts that look like a Latin one (Unicode confusables, the ones that keyboards and generators use). */
const lookAlikes = new Map<string, string>(
  (
    'аa вb сc ԁd еe ғf ԍg һh іi јj кk ӏl мm пn оo рp ԛq гr ѕs тt цu ѵv ԝw хx уy ᴢz ոn օo հh սu ցg քp ' +
    'χx ɪi αa βb εe ηn ιi κk νv οo ρp τt υu χx ωw γy ςs ѡw ɑa ɡg ɩi ɑa ʏy ʀr ɴn ʟl ᴀa ʙb ᴄc ᴅd ᴇe ɢg ʜh ɪi ᴊj ᴋk ᴍm ᴏo ᴘp ꜱs ᴛt ᴜu ᴠv ᴡw ьb єe'
  )
    .split(' ')
    .map((pair): [string, string] => {
      const [from = '', to = ''] = [...pair];
      return [from, to];
    }),
);
const leetLetters: Readonly<Record<string, string>> = {
  '0': 'o',
  '1': 'i',
  '3': 'e',
  '4': 'a',
  '5': 's',
  '7': 't',
  '8': 'b',
  '9': 'g',
  '!': 'i',
  '|': 'i',
  '+': 't',
  '@': 'a',
  $: 's',
  '€': 'e',
};

/** Never throws; linear in the length of the text. */
export function normalise(given: string): Plain {
  const decoded: string[] = [];
  let text = given;
  if (beyondAscii.test(text)) {
    const tagged = text.match(tags);
    // All of them as one text: what cannot be seen does not care for what stands between.
    if (tagged !== null)
      decoded.push(fold(tagged.map((one) => String.fromCharCode(one.codePointAt(0)! - 0xe0000)).join('')));
    const hidden = readSelectors(text);
    if (readable(hidden)) decoded.push(fold(hidden));
    // One form for what is decoded too; compatibility forms may be invisible themselves.
    text = text.replace(invisible, '').normalize('NFKC').replace(invisible, '');
  }
  decoded.push(...decodings(text));
  if (text.includes('*') && partEmphasis.test(text)) decoded.push(fold(text.replaceAll('*', '')));
  return { text: fold(text), decoded };
}

/** All that a text says, in one. */
export function joined({ text, decoded }: Plain): string {
  return decoded.length === 0 ? text : [text, ...decoded].join(' ¦ ');
}

/** '' for the few that ordinary emoji have. */
function readSelectors(text: string): string {
  const found = text.match(selectors);
  if (found === null || found.length < 6) return '';
  const bytes = found.map((one) => {
    const code = one.codePointAt(0)!;
    return code < 0xe0100 ? code - 0xfe00 : code - 0xe0100 + 16;
  });
  return Buffer.from(bytes).toString('utf8');
}

function fold(given: string): string {
  let text = given;
  if (beyondAscii.test(text)) {
    text = text
      .normalize('NFKD')
      .replace(marks, '')
      .replace(invisible, '')
      .toLowerCase()
      .replace(/[’‘ʼ]/g, "'")
      .replace(/[œ]/g, 'oe')
      .replace(/[æ]/g, 'ae')
      .replace(/ß/g, 'ss');
    if (beyondLatin.test(text)) text = withoutLookAlikes(text);
  } else text = text.toLowerCase();
  return joinSpaced(unleet(text));
}

/** A word that mixes scripts, or is spelled in look-alikes alone, is read as Latin; Greek and Cyrillic words stay. */
function withoutLookAlikes(text: string): string {
  return text.replace(/[\p{L}\d]+/gu, (word) => {
    if (!beyondLatin.test(word)) return word;
    const latin = word.replace(/[^\x00-\x7f]/gu, (one) => lookAlikes.get(one) ?? one);
    return /[a-z]/.test(word) || !beyondAscii.test(latin) ? latin : word;
  });
}

/** A doubled 1 is two l; any other an i. */
function leetLetter(sign: string): string {
  if (sign === '11') return 'll';
  return leetLetters[sign] ?? sign;
}

/** Digits and signs between letters: 1gn0r3. A number, an identifier such as utf8 or a hash stays. */
function unleet(text: string): string {
  if (!/[a-z][0134579@$€!|+]|[0134579@$€!|+][a-z]/.test(text)) return text;
  return text.replace(/(?<![\w@$€!|+])[a-z0-9@$€!|+]{2,24}(?![\w@$€|+])/g, (run) => {
    // Marks at the end of a word are marks: "stop!" is no "stopi".
    const word = run.replace(/[!|+]+$/, '');
    if (!/[a-z]/.test(word) || !/[0-9@$€!|+]/.test(word) || /^[a-z]+\d+$|^\d+[a-z]{1,3}$/.test(word)) return run;
    const read = word.replace(/1(?=y)/g, 'l').replace(/11|[01345789@$€!|+]/g, leetLetter);
    return /^[a-z]+$/.test(read) && /[aeiouy]/.test(read) ? read + run.slice(word.length) : run;
  });
}

const spacedLetters = /[a-z]([ .\-_*|/\\])[a-z]\1[a-z]\1[a-z](?![a-z0-9])/;

/** i g n o r e, i.g.n.o.r.e, i-g-n-o-r-e; words stay apart where the gap is wider than within them. */
function joinSpaced(text: string): string {
  if (!spacedLetters.test(text)) return text;
  return text.replace(
    /(?<![\p{L}\p{N}])\p{L}([ .\-_*|/\\])\p{L}(?:\1\p{L}){2,200}(?![\p{L}\p{N}])/gu,
    (run, gap: string) => run.replaceAll(gap, ''),
  );
}

const hexRun = /(?:(?:0x|\\x)?[0-9a-fA-F]{2}[\s,:]?){6,2048}/g;
const hexSign = /[0-9a-fA-F]{12}|(?:[0-9a-fA-F]{2}[\s,:]){5}[0-9a-fA-F]{2}|(?:0x|\\x)[0-9a-fA-F]{2}/;

function decodings(text: string): string[] {
  const found: string[] = [];
  const add = (one: string): void => {
    if (readable(one)) found.push(fold(one));
  };
  for (const run of base64Runs(text)) add(Buffer.from(run, 'base64').toString('utf8'));
  if (mayHoldHex(text) && hexSign.test(text))
    for (const [run] of text.matchAll(hexRun))
      add(Buffer.from(run.replace(/0x|\\x|[\s,:]/g, ''), 'hex').toString('utf8'));
  if (text.includes('%') && /%[0-9a-fA-F]{2}/.test(text)) add(unescapeUrl(text));
  if (/\\u[0-9a-fA-F]{4}|&#x?[0-9a-fA-F]+;/.test(text)) add(unescapeMarkup(text));
  if (foreign(text.slice(0, 1000))) {
    const folded = text.toLowerCase();
    add(folded.replace(/[a-z]/g, (one) => String.fromCharCode(((one.charCodeAt(0) - 84) % 26) + 97)));
    add([...folded].reverse().join(''));
  }
  return found;
}

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
    } else if (code !== 44 && code !== 58 && code > 32 && code < 0x80) digits = 0;
  }
  return false;
}

/** Runs of at least twelve of base64's characters that mix cases or digits, as an encoded sentence does and a word does not. */
function base64Runs(text: string): string[] {
  const runs: string[] = [];
  let start = 0;
  let upper = false;
  let lower = false;
  let digit = false;
  for (let at = 0; at <= text.length; at++) {
    const code = at < text.length ? text.charCodeAt(at) : 0;
    if (code >= 97 && code <= 122) lower = true;
    else if (code >= 65 && code <= 90) upper = true;
    else if (code >= 48 && code <= 57) digit = true;
    else if (code !== 43 && code !== 47 && code !== 45 && code !== 95) {
      if (at - start >= 12 && upper && (lower || digit)) {
        const run = text.slice(start, Math.min(at, start + 4096));
        if (/[a-z][A-Z0-9]|\d[a-zA-Z]/.test(run)) runs.push(run);
      }
      start = at + 1;
      upper = lower = digit = false;
    }
  }
  return runs;
}

/** The escapes that are valid UTF-8, others left as they are. */
function unescapeUrl(text: string): string {
  return text
    .replace(/(?:%[0-9a-fA-F]{2})+/g, (run) => Buffer.from(run.replaceAll('%', ''), 'hex').toString('utf8'))
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
function readable(text: string): boolean {
  if (text.length < 6 || text.includes('\ufffd')) return false;
  const letters = text.match(/[\p{L}\p{N} .,;:!?'"()\-_/\n=[\]{}]/gu)?.length ?? 0;
  return letters / text.length > 0.85 && /\p{L}{2}/u.test(text);
}

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
