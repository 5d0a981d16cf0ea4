// Labelled texts as the training and the measuring read them.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createExtractor, type Segments } from '../features.ts';
import type { Lexicon } from '../lexicon.ts';
import { normalise } from '../normalise.ts';

export interface Labelled {
  id: string;
  text: string;
  attack: boolean;
  category: 'injection' | 'jailbreak' | 'code-execution' | null;
  role: 'user' | 'system' | 'assistant' | 'tool';
  lang: string;
  source: string;
  /** null for benign texts, and where nobody says. */
  explicit: boolean | null;
  family: string;
}
export interface Example extends Labelled {
  /** The text itself and what was decoded from it. */
  parts: Segments[];
  /** Twins, and all texts of a foreign source, have the same. */
  fold: number;
}

interface CorpusRow {
  id: string;
  text: string;
  lang: string;
  label: 'attack' | 'benign';
  category: Labelled['category'];
  role: Labelled['role'];
  family: string;
  explicit?: boolean;
  twin?: string;
}

export function labelledCorpus(directory: string): (Labelled & { pair: string })[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith('.jsonl'))
    .sort()
    .flatMap((name) => linesOf<CorpusRow>(join(directory, name)))
    .map(({ id, text, lang, label, category, role, family, explicit, twin }) => ({
      id,
      text,
      attack: label === 'attack',
      category,
      role,
      lang,
      source: 'rempart-prompts',
      explicit: explicit ?? null,
      family,
      pair: twin !== undefined && twin < id ? twin : id,
    }));
}

const foreignCategories = {
  injection: 'injection',
  jailbreak: 'jailbreak',
  rce: 'code-execution',
  benign: null,
} as const;

interface ForeignRow {
  text: string;
  label: keyof typeof foreignCategories;
  lang: string;
  source: string;
  role?: Labelled['role'];
}

/** JSON lines with `text`, `label` (benign, injection, jailbreak, rce), `lang`, `source` and, where it is not a user's, `role`. */
export function labelledForeign(file: string): Labelled[] {
  return linesOf<ForeignRow>(file).map(({ text, label, lang, source, role }, at) => ({
    id: `${source}#${at}`,
    text,
    attack: label !== 'benign',
    category: foreignCategories[label],
    // InjecAgent's texts are replies of tools, though the file does not say so.
    role: role ?? (source.includes('InjecAgent') ? 'tool' : 'user'),
    lang,
    source,
    explicit: null,
    family: label,
  }));
}

export function readCorpus(directory: string, lexicon: Lexicon): Example[] {
  const partsOf = extractorFor(lexicon);
  return labelledCorpus(directory).map(({ pair, ...one }) => ({
    ...one,
    parts: partsOf(one.text),
    fold: digest(pair),
  }));
}

export function readForeign(file: string, lexicon: Lexicon): Example[] {
  const partsOf = extractorFor(lexicon);
  return labelledForeign(file).map((one) => ({ ...one, parts: partsOf(one.text), fold: digest(one.source) }));
}

function extractorFor(lexicon: Lexicon): (text: string) => Segments[] {
  const { extract } = createExtractor(lexicon);
  return (text) => {
    const { text: plain, decoded } = normalise(text);
    return [plain, ...decoded].flatMap((one) => {
      const { count, ends, features, mass, starts } = extract(one);
      if (count === 0) return [];
      return [
        {
          count,
          ends: ends.slice(0, count),
          features: features.slice(0, ends[count - 1]),
          mass: mass.slice(0, count),
          starts: starts.slice(0, count),
        },
      ];
    });
  };
}

/** One text in eight of the corpus is never trained on, and its twin neither. */
export function isHeldOut({ source, fold }: Pick<Example, 'source' | 'fold'>): boolean {
  return source === 'rempart-prompts' && fold >>> 29 === 0;
}

/** The first 32 bits of the SHA-256. */
export function digest(name: string): number {
  return createHash('sha256').update(name).digest().readUInt32BE(0);
}

function linesOf<T>(file: string): T[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);
}
