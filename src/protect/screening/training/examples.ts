// Labelled texts as the training and the measuring read them.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createLists, type Segments } from '../features.ts';
import { type Lexicon, readLexicon } from '../lexicon.ts';
import { normalise } from '../normalise.ts';
import { createReader } from '../reader.ts';

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
  /** Texts of one kind by the same authors, twins together: what a model is calibrated on must not have taught it. */
  kind: string;
}
export interface Example extends Labelled {
  /** The text itself and what was decoded from it. */
  parts: Part[];
  /** Twins, and all texts of a foreign source, have the same. */
  fold: number;
  /** Segments of the text in which the attack stands, where it is known; what is around them is innocent. */
  planted: Span | null;
  /** Put together from two texts. */
  composite: boolean;
}
export interface Part extends Segments {
  text: string;
  /** Where its segments begin. */
  starts: Int32Array;
}
/** Segments from one to before another. */
export interface Span {
  from: number;
  to: number;
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

export function labelledCorpus(directory: string): (Labelled & { pair: string; twin: string | null })[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith('.jsonl'))
    .sort()
    .flatMap((name) => linesOf<CorpusRow>(join(directory, name)).map((row) => ({ ...row, name })))
    .map(({ id, text, lang, label, category, role, family, explicit, twin, name }) => ({
      id,
      text,
      attack: label === 'attack',
      category,
      role,
      lang,
      source: 'rempart-prompts',
      explicit: explicit ?? null,
      family,
      kind: kindOf(name, twin === undefined && role !== 'tool' ? family : null),
      pair: twin !== undefined && twin < id ? twin : id,
      twin: twin ?? null,
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
    kind: source,
  }));
}

/** Files of one round have the same authors; what has a twin, and documents, stay together by file. */
function kindOf(file: string, family: string | null): string {
  const round = /round\d+|plain/.exec(file)?.[0] ?? 'first';
  return `${round} ${family ?? file}`;
}

export function readCorpus(directory: string, lexicon: Lexicon): Example[] {
  const partsOf = extractorFor(lexicon);
  const rows = labelledCorpus(directory).map((row) => ({ ...row, parts: partsOf(row.text) }));
  const byId = new Map(rows.map((row) => [row.id, row]));
  return rows.map(({ pair, twin, ...one }) => ({
    ...one,
    fold: digest(pair),
    planted: one.attack && one.role === 'tool' ? freshOf(one.parts[0], byId.get(twin ?? '')?.parts[0]) : null,
    composite: false,
  }));
}

/** From the first segment to the last that the same document without the order does not have. */
function freshOf(document: Part | undefined, clean: Part | undefined): Span | null {
  if (document === undefined || clean === undefined) return null;
  const known = new Set(segmentsOf(clean));
  const fresh = segmentsOf(document).map((one) => !known.has(one));
  return fresh.includes(true) ? { from: fresh.indexOf(true), to: fresh.lastIndexOf(true) + 1 } : null;
}

function segmentsOf(part: Part): string[] {
  return Array.from({ length: part.count }, (_, at) => runText(part, at, 1).trim());
}

/** So many segments of it, as they are written. */
export function runText({ text, starts, count }: Part, first: number, length: number): string {
  return text.slice(starts[first], first + length < count ? starts[first + length] : text.length);
}

/** How many parts the corpus is cut into where a threshold is chosen, by kind. */
export const folds = 3;
export function foldOf({ kind }: Pick<Labelled, 'kind'>): number {
  return digest(kind) % folds;
}

/**
 * Attacks of users before and after an innocent text, and two innocent ones in a row: what surrounds an attack is not
 * to make it innocent, nor length a text hostile. Both come from one fold and one language.
 */
export function composites(examples: readonly Example[], lexicon: Lexicon): Example[] {
  const partsOf = extractorFor(lexicon);
  const users = examples.filter(({ role, text }) => role === 'user' && text.length < 600);
  const keyOf = (one: Example): string => `${one.lang} ${foldOf(one)}`;
  const innocent = Map.groupBy(
    users.filter(({ attack }) => !attack),
    keyOf,
  );
  return users.flatMap((one) => {
    const choice = digest(`composite ${one.id}`);
    const others = innocent.get(keyOf(one)) ?? [];
    const other = others[(choice >>> 4) % others.length];
    if (other === undefined || other === one || choice % 16 >= (one.attack ? 6 : 5)) return [];
    const first = choice % 2 === 0;
    const text = first ? `${one.text}\n${other.text}` : `${other.text}\n${one.text}`;
    const parts = partsOf(text);
    const planted = one.attack ? beside(one.parts[0]?.count ?? 0, parts[0]?.count ?? 0, first) : null;
    return [{ ...one, id: `${one.id} with ${other.id}`, text, parts, planted, composite: true }];
  });
}

/** The first so many segments of all, or the last. */
function beside(count: number, all: number, first: boolean): Span | null {
  if (count === 0 || all === 0) return null;
  return first ? { from: 0, to: Math.min(count, all) } : { from: Math.max(0, all - count), to: all };
}

export function readForeign(file: string, lexicon: Lexicon): Example[] {
  const partsOf = extractorFor(lexicon);
  return labelledForeign(file).map((one) => ({
    ...one,
    parts: partsOf(one.text),
    fold: digest(one.source),
    planted: null,
    composite: false,
  }));
}

/** Where all that is learned from lies. */
export interface Sources {
  lexicon: string;
  corpus: string;
  /** JSON lines of others; null for none. */
  foreign: string | null;
}
export interface Read {
  /** Texts as they are, without those that are held out. */
  single: Example[];
  /** The same, and what is put together from them. */
  examples: Example[];
}

export function readAll(sources: Sources): Read {
  const lexicon = readLexicon(readFileSync(sources.lexicon, 'utf8'));
  const corpus = readCorpus(sources.corpus, lexicon).filter((one) => !isHeldOut(one));
  const single = [...corpus, ...(sources.foreign === null ? [] : readForeign(sources.foreign, lexicon))];
  return { single, examples: [...single, ...composites(corpus, lexicon)] };
}

function extractorFor(lexicon: Lexicon): (text: string) => Part[] {
  const sink = createLists();
  const reader = createReader({ lexicon, sink });
  return (text) => {
    const { text: plain, decoded } = normalise(text);
    return [plain, ...decoded].flatMap((one) => {
      const count = reader.read(one);
      return count === 0 ? [] : [{ ...sink.segments(), text: one, starts: reader.starts().slice(0, count) }];
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
