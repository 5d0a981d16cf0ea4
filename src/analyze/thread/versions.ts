// Which pieces of code are versions of one another: the same file, the same functions, or mostly the same words.
import type { CodeBlock } from '../conversation.ts';
import { type Chunk, chunksOf, enclosing } from './chunks.ts';

/** How much two texts must share to be versions, by what else speaks for it. */
const alike = { plain: 0.4, renamed: 0.12, rewritten: 0.5, translated: 0.3 };

export interface Shaped {
  block: CodeBlock;
  chunks: readonly Chunk[];
  words: ReadonlySet<string>;
}

/** The place of a weakness: its function where there is one, and the words of its own lines. */
export interface Place {
  name: string | null;
  words: ReadonlySet<string>;
  core: ReadonlySet<string>;
}

export function shapeOf(block: CodeBlock): Shaped {
  return { block, chunks: chunksOf(block.text), words: wordsOf(block.text) };
}

export function placeOf({ chunks, words }: Shaped, line: number, excerpt: string): Place {
  const chunk = enclosing(chunks, line);
  return {
    name: chunk?.outer === false ? chunk.name : null,
    words: chunk?.outer === false ? wordsOf(chunk.text) : words,
    core: wordsOf(excerpt),
  };
}

/** Is `later` a new version of what stood at `place` in `earlier`? */
export function isVersionOf(earlier: CodeBlock, place: Place, later: Shaped): boolean {
  if (earlier.language !== later.block.language) return isTranslation(place, later);
  const own = later.chunks.filter(({ outer }) => !outer);
  const sameFile = earlier.file !== undefined && earlier.file === later.block.file;
  const whole = later.block.languageBy === 'format';
  if (place.name === null) {
    if (sameFile && (whole || own.length === 0 || overlap(place.words, later.words) >= alike.renamed)) return true;
    const near = overlap(place.words, later.words) >= alike.plain || holdsCore(place.core, later.words);
    return near || keeps(place.words, later.words);
  }
  const { name } = place;
  const same = own.find((chunk) => plain(chunk.name) === plain(name));
  if (same !== undefined) return !leavesOut(same.text, place.core);
  // A document that is given whole no longer has the function.
  if (sameFile && whole) return true;
  if (own.some((chunk) => related(name, chunk.name) && overlap(place.words, wordsOf(chunk.text)) >= alike.renamed))
    return true;
  if (own.length === 0) return overlap(place.words, later.words) >= alike.plain || holdsCore(place.core, later.words);
  // A function of another name may still be the same one, rewritten.
  return own.some((chunk) => overlap(place.words, wordsOf(chunk.text)) >= alike.rewritten);
}

/** Python becomes JavaScript: names keep their words, not their letters. */
function isTranslation({ name, words }: Place, later: Shaped): boolean {
  if (name !== null && later.chunks.some((chunk) => !chunk.outer && plain(chunk.name) === plain(name))) return true;
  return overlap(words, later.words) >= alike.translated;
}

const elision =
  /(?:#|\/\/|\/\*|<!--|--)\s*(?:\.\.\.|…|(?:the )?rest\b|existing\b|same as\b|unchanged|as before|le reste|inchang|code existant|comme avant)|^\s*(?:\.\.\.|…)\s*$/im;

/** A function shown with "the rest as before" says nothing about what it leaves out. */
function leavesOut(text: string, core: ReadonlySet<string>): boolean {
  if (!elision.test(text)) return false;
  const words = wordsOf(text);
  return [...core].filter((word) => words.has(word)).length < core.size * 0.4;
}

/** A script or a configuration that was added to still has most of its words. */
function keeps(words: ReadonlySet<string>, later: ReadonlySet<string>): boolean {
  const common = [...words].filter((word) => later.has(word)).length;
  return words.size >= 5 && common / words.size >= 0.6;
}

/** The words of the weak line nearly all stand in the later text. */
function holdsCore(core: ReadonlySet<string>, words: ReadonlySet<string>): boolean {
  const common = [...core].filter((word) => words.has(word)).length;
  return common >= 3 && common / core.size >= 0.6;
}

export function plain(name: string): string {
  return name.toLowerCase().replaceAll('_', '');
}

/** "secure_login" after "login"; short names say too little. */
function related(one: string, other: string): boolean {
  const [a, b] = [plain(one), plain(other)];
  return Math.min(a.length, b.length) >= 4 && (a.includes(b) || b.includes(a));
}

export function wordsOf(text: string): ReadonlySet<string> {
  return new Set(text.match(/[A-Za-z_]\w{2,}/g) ?? []);
}

/** Jaccard's index of two sets of words. */
export function overlap(one: ReadonlySet<string>, other: ReadonlySet<string>): number {
  if (one.size === 0 || other.size === 0) return 0;
  let common = 0;
  for (const word of one) if (other.has(word)) common += 1;
  return common / (one.size + other.size - common);
}
