// One text as a reader means it: one Unicode form, no hidden characters, look-alikes and disguises undone, and what was encoded decoded once.
import { decodings, readable } from './decodings.ts';

/** The text in the clear, and what hidden or encoded parts of it say. */
export interface Plain {
  text: string;
  /** Texts that stood inside in another form: tag characters, base64, hex, URL escapes, rot13, reversed, one long word. */
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
/** Letters in filled circles and squares, which have no compatibility form; flags are made of those from U+1F1E6 on. */
const enclosed = /[\u{1f150}-\u{1f169}\u{1f170}-\u{1f189}]/gu;
const mayBeEnclosed = /\ud83c[\udd50-\uddff]/;
const regional = /[\u{1f1e6}-\u{1f1ff}]/gu;
/** Fewer are flags. */
const leastRegional = 12;
const beyondAscii = /[^\x00-\x7f]/;
const beyondLatin = /[^\x00-\u024f\u2000-\u206f\u20a0-\u20bf]/;

/** Letters of other scripts that look like a Latin one (Unicode confusables, the ones that keyboards and generators use). */
const lookAlikes = new Map<string, string>(
  (
    'аa вb сc ԁd еe ғf ԍg һh іi јj кk ӏl мm пn оo рp ԛq гr ѕs тt цu ѵv ԝw хx уy ᴢz ոn օo հh սu ցg քp ' +
    'ɨi ʉu ⱥa ᵽp ꝁk ꞥn ꞩs ⱦt ɫl ' +
    'ꭺa ᏼb ꮯc ꭰd ꭼe ꮐg ꮋh ꭵi ꭻj ꮶk ꮮl ꮇm ꮎo ꮲp ꮢr ꮪs ꭲt ꮩv ꮤw ꮍy ꮓz ' +
    'χx ɪi αa βb εe ηn ιi κk νv οo ρp τt υu χx ωw γy ςs ѡw ɑa ɡg ɩi ɑa ʏy ʀr ɴn ʟl ᴀa ʙb ᴄc ᴅd ᴇe ɢg ʜh ɪi ᴊj ᴋk ᴍm ᴏo ᴘp ꜱs ᴛt ᴜu ᴠv ᴡw ьb єe'
  )
    .split(' ')
    .map((pair): [string, string] => {
      const [from = '', to = ''] = [...pair];
      return [from, to];
    }),
);
/** Letters that Unicode does not take apart into a letter and a stroke. */
const strokeless: Readonly<Record<string, string>> = Object.fromEntries(
  'ıi øo łl đd ħh ŧt ƀb ǥg ƶz ɉj ɍr ȼc ɇe ɏy ƚl'.split(' ').map(([from = '', to = '']) => [from, to]),
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
    if (mayBeEnclosed.test(text)) {
      text = text.replace(enclosed, (one) => letterOf(one, enclosedFrom));
      if ((text.match(regional)?.length ?? 0) >= leastRegional)
        decoded.push(fold(text.replace(invisible, '').replace(regional, (one) => letterOf(one, [0x1f1e6]))));
    }
    // One form for what is decoded too; compatibility forms may be invisible themselves.
    text = text.replace(invisible, '').normalize('NFKC').replace(invisible, '');
  }
  for (const one of decodings(text)) decoded.push(fold(one));
  const apart = unjoined(text);
  if (apart !== undefined) decoded.push(fold(apart));
  if (text.includes('*') && partEmphasis.test(text)) decoded.push(fold(text.replaceAll('*', '')));
  return { text: fold(text), decoded };
}

const enclosedFrom = [0x1f170, 0x1f150];

/** The letter that a sign of one of these alphabets stands for. */
function letterOf(sign: string, alphabets: readonly number[]): string {
  const code = sign.codePointAt(0)!;
  return String.fromCharCode(97 + code - alphabets.find((from) => code >= from)!);
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
      .replace(/ß/g, 'ss')
      .replace(/[ıøđłħŧƀǥƶɉɍȼɇɏƚ]/g, (one) => strokeless[one]!);
    if (beyondLatin.test(text)) text = withoutLookAlikes(text);
  } else text = text.toLowerCase();
  if (text.includes(')(')) text = text.replace(bracketed, (run) => run.replace(/[()]/g, ''));
  // A sign between letters is no letter: 1gn0r3 is read after i|g|n|o|r|e.
  return unleet(joinSpaced(text));
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

const longestJoined = 400;
/** Seven words or more: names of tools, such as execute_python_code_in_sandbox, have fewer. */
const underscored = /^\P{L}*\p{L}+(?:[_'’-]+\p{L}+){6,}\P{L}*$/u;
const camelCase = /^\P{L}*(?:\p{Lu}\p{Ll}+(?:['’-]\p{Ll}+)?){7,}\P{L}*$/u;

/** A text that is one long word, such as ignore_what_was_said or IgnoreWhatWasSaid: as words. */
function unjoined(text: string): string | undefined {
  if (text.length > longestJoined || /\s/.test(text)) return undefined;
  if (text.includes('_') && underscored.test(text)) return text.replaceAll('_', ' ');
  return camelCase.test(text) ? text.replace(/(?<=\p{Ll})(?=\p{Lu})/gu, ' ') : undefined;
}

/** (i)(g)(n)(o)(r)(e): the compatibility form of letters in brackets. */
const bracketed = /(?:\(\p{L}\)){3,}/gu;

const spacedLetters = /[a-z]([^a-z0-9\n,;:()=<>&"']{1,2}|["'][ ,]{1,2}["'])[a-z]\1[a-z]\1[a-z](?![a-z0-9])/;
/** One sign or picture that numbers, lists and formulas seldom have between letters, or the end of a quotation and the next one's begin. */
const gap = String.raw`[^\p{L}\p{N}\n,;:()=<>&"']|["'][ ,]{1,2}["']`;
const spacedWord = (least: number): RegExp =>
  new RegExp(String.raw`(?<![\p{L}\p{N}])\p{L}(${gap})\p{L}(?:\1\p{L}){${least},200}(?![\p{L}\p{N}])`, 'gu');
const fourLetters = spacedWord(2);
const twoLetters = spacedWord(0);
/** Two or three letters with one of these between them may be an abbreviation, a formula or a path. */
const ordinary = /^[ .*/\\-]$/;

/** i g n o r e, i.g.n.o.r.e, i🔥g🔥n🔥o🔥r🔥e; words stay apart where the gap is wider than within them. */
function joinSpaced(text: string): string {
  const between = spacedLetters.exec(text)?.[1];
  if (between === undefined) return text;
  const join = (run: string, gap: string): string => run.replaceAll(gap, '');
  if (ordinary.test(between)) return text.replace(fourLetters, join);
  return text.replaceAll(`${between} ${between}`, '  ').replace(twoLetters, join);
}
