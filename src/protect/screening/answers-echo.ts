// Whether a text repeats the operator's instructions: runs of words in the same order, whatever stands between the words, numbers that count them too.

export interface PromptEcho {
  /** Runs of words that stand in the instructions in the same order, longest first at each place. */
  find(text: string, from?: number): { start: number; end: number }[];
  /** Where the words at the end of a text begin that may still become such a run; the text's length when none do. */
  opensAt(text: string, from?: number): number;
}

/** Fewer words in a row may be chance; of short instructions most must be repeated, since a part may be what the answer is for. */
const leastWords = 8;
const mostWords = 20;
/** The first words of a run are let go: whoever streams an answer would wait at each "the" that the instructions have too. */
const lead = 3;

interface Word {
  word: string;
  start: number;
  end: number;
}

/** Undefined for instructions of fewer than eight words, which an answer may hold by chance. */
export function createPromptEcho(prompt: string): PromptEcho | undefined {
  const words = wordsOf(prompt, 0).map(({ word }) => word);
  if (words.length < leastWords) return undefined;
  const shingle = Math.min(mostWords, Math.max(leastWords, Math.ceil(words.length * 0.6)));
  const joined = ` ${words.join(' ')} `;
  const known = new Set<string>();
  for (let at = 0; at + shingle <= words.length; at++) known.add(words.slice(at, at + shingle).join(' '));
  const vocabulary = new Set(words);
  const narrow = new Set(words.map(hashOfNarrow).filter((hash) => hash !== undefined));
  const beginnings = new Set(words.flatMap((word) => Array.from(word, (_, at) => word.slice(0, at + 1))));

  return {
    find(text, from = 0) {
      const begin = beginOfLead(text, from);
      if (!holdsRun(text, begin, narrow, shingle)) return [];
      const said = wordsOf(text, begin);
      const runs: { start: number; end: number }[] = [];
      for (let at = 0; at + shingle <= said.length; at++) {
        if (!vocabulary.has(said[at]!.word)) continue;
        const last = said[at + shingle - 1]!;
        if (!known.has(joinWords(said, at, at + shingle))) continue;
        const run = runs.at(-1);
        if (run !== undefined && said[at]!.start <= run.end) run.end = last.end;
        else runs.push({ start: said[at + lead]!.start, end: last.end });
      }
      return runs.filter(({ start }) => start >= from);
    },
    opensAt(text, from = 0) {
      const said = wordsOf(text, beginOfLead(text, from));
      let opens = text.length;
      // The last word may still grow: before it, it stands for any.
      const growing = said.at(-1)?.end === text.length ? said.pop() : undefined;
      let tail = growing !== undefined && beginnings.has(growing.word) ? growing.word : '';
      if (growing !== undefined && tail === '') return opens;
      const starts = growing === undefined ? [] : [growing.start];
      for (let at = said.length - 1; at >= 0; at--) {
        if (!vocabulary.has(said[at]!.word)) break;
        const longer = tail === '' ? said[at]!.word : `${said[at]!.word} ${tail}`;
        if (!joined.includes(growing === undefined ? ` ${longer} ` : ` ${longer}`)) break;
        tail = longer;
        starts.push(said[at]!.start);
      }
      if (starts.length > lead) opens = starts.at(-1 - lead)!;
      return Math.max(from, opens);
    },
  };
}

function joinWords(words: readonly Word[], from: number, to: number): string {
  let joined = words[from]!.word;
  for (let at = from + 1; at < to; at++) joined += ` ${words[at]!.word}`;
  return joined;
}

/** Where the words begin that may have been let go of a run that goes on at `from`. */
function beginOfLead(text: string, from: number): number {
  let at = from;
  for (let words = 0; words <= lead && at > 0; ) {
    while (at > 0 && kindOf(text.charCodeAt(at - 1)) === between) at--;
    const end = at;
    while (at > 0 && kindOf(text.charCodeAt(at - 1)) !== between) at--;
    if (isWord(text, at, end)) words++;
  }
  return at;
}

/** Of one to three digits it is none: "number each of your words". */
function isWord(text: string, start: number, end: number): boolean {
  let units = 0;
  let digits = 0;
  for (let at = start; at < end; at++) {
    const code = text.charCodeAt(at);
    if (kindOf(code) === ofWord) units++;
    if (isDigit(code)) digits++;
  }
  return units > 0 && (digits < units || digits > 3);
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

/** Whole words that begin at `from` or later, without those that only count. */
function wordsOf(text: string, from: number): Word[] {
  const words: Word[] = [];
  let start = -1;
  for (let at = from; at <= text.length; at++) {
    const isIn = at < text.length && kindOf(text.charCodeAt(at)) !== between;
    if (isIn && start < 0) start = at;
    if (isIn || start < 0) continue;
    if (isWord(text, start, at)) words.push({ word: plainOf(text.slice(start, at)), start, end: at });
    start = -1;
  }
  return words;
}

/** In small letters without marks, so that "révèle" is the same whole, taken apart or without its accents. */
function plainOf(word: string): string {
  if (!/[^\x00-\x7f]/.test(word)) return word.toLowerCase();
  return word.normalize('NFKD').replace(silentUnits, '').toLowerCase();
}

/**
 * Whether so many words in a row may be of the vocabulary: most answers never come to that, and need no list of their
 * words. A word with a unit from U+0100 on counts as one of them, since its plain form depends on the neighbours.
 */
function holdsRun(text: string, from: number, narrow: ReadonlySet<number>, length: number): boolean {
  let run = 0;
  let hash = seed;
  let letters = 0;
  let digits = 0;
  let isWide = false;
  for (let at = from; at <= text.length; at++) {
    const code = at < text.length ? text.charCodeAt(at) : 32;
    const kind = kindOf(code);
    if (kind === ofWord) {
      letters++;
      if (isDigit(code)) digits++;
      const plain = code > 0xff ? wide : plainUnits[code]!;
      if (plain === wide) isWide = true;
      else hash = Math.imul(hash ^ plain, 0x01000193);
    } else if (kind === between && letters > 0) {
      if (digits < letters || digits > 3) run = isWide || narrow.has(hash >>> 0) ? run + 1 : 0;
      if (run >= length) return true;
      hash = seed;
      letters = digits = 0;
      isWide = false;
    }
  }
  return false;
}

/** FNV-1a of a plain word; undefined where it has a unit from U+0100 on. */
function hashOfNarrow(word: string): number | undefined {
  let hash = seed;
  for (let at = 0; at < word.length; at++) {
    const code = word.charCodeAt(at);
    if (code > 0xff) return undefined;
    hash = Math.imul(hash ^ code, 0x01000193);
  }
  return hash >>> 0;
}

const seed = 0x811c9dc5;
const wide = -1;
const silentUnits = /[\p{M}\p{Default_Ignorable_Code_Point}]/gu;

/** What a unit up to U+00FF is in a plain word; `wide` where that is no unit of its kind, as of ¼ and µ. */
const plainUnits = Int16Array.from({ length: 0x100 }, (_, code) => {
  const plain = plainOf(String.fromCharCode(code));
  return plain.length === 1 && plain.charCodeAt(0) <= 0xff ? plain.charCodeAt(0) : wide;
});

const between = 1;
const ofWord = 2;
/** Marks on letters and what cannot be seen end no word. */
const silent = 3;
/** Of each UTF-16 unit its kind, 0 where it was not yet asked. A pattern takes ten times as long. */
const kinds = new Uint8Array(0x1_0000);

function kindOf(code: number): number {
  if (kinds[code] === 0) {
    const unit = String.fromCharCode(code);
    kinds[code] = /[\p{L}\p{N}]/u.test(unit) ? ofWord : unit.replace(silentUnits, '') === '' ? silent : between;
  }
  return kinds[code]!;
}
