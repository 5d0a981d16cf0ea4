// Whether a text repeats the operator's instructions: runs of words in the same order, whatever stands between the words.

export interface PromptEcho {
  /** Runs of words that stand in the instructions in the same order, longest first at each place. */
  find(text: string, from?: number): { start: number; end: number }[];
  /** Where the words at the end of a text begin that may still become such a run; the text's length when none do. */
  opensAt(text: string, from?: number): number;
}

/** Fewer words in a row may be chance; of short instructions most must be repeated, since a part may be what the answer is for. */
const leastWords = 8;
const mostWords = 20;
const wordPattern = /(?<![\p{L}\p{N}])[\p{L}\p{N}]+/gu;

interface Word {
  word: string;
  start: number;
  end: number;
}

/** Undefined for instructions of fewer words than a shingle: any answer may hold those. */
export function createPromptEcho(prompt: string): PromptEcho | undefined {
  const words = wordsOf(prompt, 0).map(({ word }) => word);
  if (words.length < leastWords) return undefined;
  const shingle = Math.min(mostWords, Math.max(leastWords, Math.ceil(words.length * 0.6)));
  const joined = ` ${words.join(' ')} `;
  const known = new Set<string>();
  for (let at = 0; at + shingle <= words.length; at++) known.add(words.slice(at, at + shingle).join(' '));
  const vocabulary = new Set(words);
  const beginnings = new Set(words.flatMap((word) => Array.from(word, (_, at) => word.slice(0, at + 1))));

  return {
    find(text, from = 0) {
      const said = wordsOf(text, from);
      const runs: { start: number; end: number }[] = [];
      for (let at = 0; at + shingle <= said.length; at++) {
        if (!vocabulary.has(said[at]!.word)) continue;
        const last = said[at + shingle - 1]!;
        if (
          !known.has(
            said
              .slice(at, at + shingle)
              .map(({ word }) => word)
              .join(' '),
          )
        )
          continue;
        const run = runs.at(-1);
        if (run !== undefined && said[at]!.start <= run.end) run.end = last.end;
        else runs.push({ start: said[at]!.start, end: last.end });
      }
      return runs;
    },
    opensAt(text, from = 0) {
      const said = wordsOf(text, from);
      let opens = text.length;
      // The last word may still grow: before it, it stands for any.
      if (said.at(-1)?.end === text.length) {
        const growing = said.pop()!;
        if (beginnings.has(growing.word)) opens = growing.start;
      }
      let tail = '';
      for (let at = said.length - 1; at >= 0; at--) {
        if (!vocabulary.has(said[at]!.word)) break;
        tail = tail === '' ? said[at]!.word : `${said[at]!.word} ${tail}`;
        if (!joined.includes(` ${tail} `)) break;
        opens = said[at]!.start;
      }
      return opens;
    },
  };
}

/** Whole words that begin at `from` or later. */
function wordsOf(text: string, from: number): Word[] {
  const words: Word[] = [];
  wordPattern.lastIndex = from;
  for (let found = wordPattern.exec(text); found !== null; found = wordPattern.exec(text))
    words.push({ word: found[0].toLowerCase(), start: found.index, end: found.index + found[0].length });
  return words;
}
