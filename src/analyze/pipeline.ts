// From exports to analysed conversations: cut in this thread, read and judged in others, handed on in the input's order.
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import type { Readable } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { RempartError } from '../platform/base/errors.ts';
import { parsedFiles } from '../platform/base/parsed-files.ts';
import { threadUrl } from '../platform/base/thread.ts';
import { type Lang, say } from '../platform/i18n/say.ts';
import type { AnalysisContext } from './analysis-context.ts';
import type { WorkerStart } from './analysis-worker.ts';
import { brokenConversation } from './broken-conversation.ts';
import type { ReadItem } from './conversation.ts';
import { type DoneJournal, openDoneJournal } from './done-journal.ts';
import { ruleFiles } from './engine.ts';
import { letGo } from './let-go.ts';
import { maskedName, withMaskedNames } from './masked.ts';
import { type Analysed, type PieceResults, unpacked } from './piece-results.ts';
import { cutExports } from './read/cut-exports.ts';
import type { Cut } from './read/cut-file.ts';
import type { Piece } from './read/piece.ts';
import type { ReadLimits } from './read/read-options.ts';
import { openPool, type Pool, PoolFailure } from './worker-pool.ts';
import { written } from './written.ts';

export type { Analysed } from './piece-results.ts';

export interface AnalyseOptions {
  context: AnalysisContext;
  /** Threads; the machine's processors by default, four at most. */
  workers?: number;
  /** The module (URL or path) whose `analyseConversation` judges. */
  analyse?: string;
  stdin?: Readable;
  limits?: Partial<ReadLimits>;
  onProgress?: (progress: Progress) => void;
  /** Keeps what is done in `file`, under `engine`: a name that changes with the rules, so that old results are not taken. */
  resume?: { file: string; engine: string };
  /** How long one conversation may take. */
  conversationMs?: number;
}

export interface Progress {
  bytesRead: number;
  /** Null for standard input. */
  bytesInAll: number | null;
  conversations: number;
  /** Of these, taken from an earlier analysis. */
  known: number;
  errors: number;
}

/** Under way at once, between reading and handing on: this bounds the memory. */
const bytesUnderWay = 8 * 2 ** 20;
const piecesUnderWay = 256;
/** One thread is done with less before a second one has loaded. */
const smallBytes = 2 ** 18;

/**
 * For all threads of the process. How far a heap may outgrow what lives in it before it is cleared: V8 lets it grow to four
 * times that, which for two threads over 100 MB took 560 MiB; with 15 % it was 363, with 30 % it is 10 more for 3 % less
 * work. And no thread clears with the help of others: they have work of their own, and waiting for each other took 4 % of
 * the time. Clearing in steps stays on: without it a compiler thread that finds the heap full waits for the main thread,
 * which at the program's end waits for that thread.
 */
const memoryFlags = ['--heap-growing-percent=30', '--no-parallel-scavenge'];

/**
 * Behind so many bytes every thread has all the room that it needs for what is thrown away soon. What this thread has is
 * bounded by no option, and went on to grow, by 40 MB over an export of 1 GB: from there on none grows any more.
 */
const grownBytes = 128 * 2 ** 20;
const growth = { goesOn: '--semi-space-growth-factor=2', ends: '--semi-space-growth-factor=1' };

let rules: string | undefined;

/** Every conversation and every member that was not read, in the order of the input. Memory does not grow with it. */
export async function* analyseExports(paths: readonly string[], options: AnalyseOptions): AsyncGenerator<Analysed> {
  const bytesInAll = await sizeOf(paths);
  const start: WorkerStart = {
    analyse: options.analyse ?? threadUrl('analyse-conversation', import.meta.url).href,
    context: options.context,
  };
  const size = options.workers ?? Math.min(4, availableParallelism());
  const pool = openPool<Piece, PieceResults>({
    url: threadUrl('analysis-thread', import.meta.url),
    size,
    workerData: start,
    opening: () => (rules ??= parsedFiles(ruleFiles())),
    taskMs: options.conversationMs ?? 60_000,
  });
  // Before a byte is read: a thread takes longer to load its rules than all else that a small file needs.
  pool.warm((bytesInAll ?? 0) > smallBytes ? size : 1);
  for (const flag of memoryFlags) setFlagsFromString(flag);
  let journal: DoneJournal | null = null;
  let grown = false;
  try {
    const progress: Progress = { bytesRead: 0, bytesInAll, conversations: 0, known: 0, errors: 0 };
    journal = options.resume === undefined ? null : openDoneJournal(options.resume.file);
    for await (const results of inOrder(cuts(paths, options, progress), (cut) =>
      analysed(cut, options, pool, journal, progress),
    )) {
      for (const result of results) yield counted(result, progress);
      options.onProgress?.(progress);
      if (!grown && progress.bytesRead > grownBytes) {
        grown = true;
        setFlagsFromString(growth.ends);
      }
    }
  } finally {
    if (grown) setFlagsFromString(growth.goesOn);
    await pool.close();
    journal?.close();
  }
}

function counted(result: Analysed, progress: Progress): Analysed {
  if (result.kind === 'not-read') return result;
  progress.conversations++;
  if (result.facts.status === 'error') progress.errors++;
  return result;
}

function cuts(paths: readonly string[], options: AnalyseOptions, progress: Progress): AsyncGenerator<Cut> {
  return cutExports(paths, {
    lang: options.context.lang,
    ...(options.stdin === undefined ? {} : { stdin: options.stdin }),
    ...(options.limits === undefined ? {} : { limits: options.limits }),
    onBytes: (bytes) => {
      // An archive's head is read before its members are counted.
      progress.bytesRead = Math.min(progress.bytesRead + bytes, progress.bytesInAll ?? Number.POSITIVE_INFINITY);
      options.onProgress?.(progress);
    },
  });
}

/** Starts as many as may be under way, and hands their results on in the order in which they were begun. */
async function* inOrder(
  source: AsyncGenerator<Cut>,
  work: (cut: Cut) => Promise<Analysed[]>,
): AsyncGenerator<Analysed[]> {
  const underWay: { results: Promise<Analysed[]>; bytes: number }[] = [];
  let bytes = 0;
  try {
    for await (const cut of source) {
      const size = sizeOfCut(cut);
      const results = work(cut);
      // Its failure is met where its turn comes.
      results.catch(() => {});
      underWay.push({ results, bytes: size });
      bytes += size;
      while (underWay.length > piecesUnderWay || (bytes > bytesUnderWay && underWay.length > 1)) {
        const first = underWay.shift()!;
        bytes -= first.bytes;
        yield await first.results;
      }
    }
    for (const { results } of underWay) yield await results;
  } finally {
    await source.return(undefined);
  }
}

function sizeOfCut(cut: Cut): number {
  return cut.kind === 'piece' ? cut.piece.texts.reduce((sum, bytes) => sum + bytes.length, 0) : 0;
}

async function analysed(
  cut: Cut,
  options: AnalyseOptions,
  pool: Pool<Piece, PieceResults>,
  journal: DoneJournal | null,
  progress: Progress,
): Promise<Analysed[]> {
  const { lang } = options.context;
  if (cut.kind === 'item') {
    const { item } = cut;
    if (item.kind === 'broken') return [broken(item, lang)];
    if (item.kind !== 'not-a-conversation') return [];
    return [{ kind: 'not-read', source: maskedName(item.source), why: maskedName(item.why) }];
  }
  const { piece } = cut;
  const hash = journal === null ? '' : hashOf(piece, options);
  const known = journal?.find(hash) ?? null;
  if (known !== null) {
    progress.known += known.filter(({ kind }) => kind === 'conversation').length;
    return known;
  }
  const { place } = piece;
  try {
    const results = await pool.run(piece, sizeOfCut(cut));
    for (const bytes of piece.texts) letGo(bytes);
    journal?.add(hash, results);
    return unpacked(results);
  } catch (error) {
    if (!(error instanceof PoolFailure)) throw error;
    const code = error.kind === 'timeout' ? 'ERR_ANALYSIS_TIMEOUT' : 'ERR_ANALYSIS_FAILED';
    const why = say(lang, code, { seconds: (options.conversationMs ?? 60_000) / 1_000, why: error.kind });
    const item = {
      kind: 'broken',
      source: place.source,
      id: `failed-${piece.position + 1}`,
      title: null,
      format: 'unknown',
      code,
      why,
    } as const;
    return [broken(item, lang)];
  }
}

/** It has no finding, and so no id that its place belongs in. */
function broken(item: ReadItem & { kind: 'broken' }, lang: Lang): Analysed {
  return written(withMaskedNames(brokenConversation(item, lang)), 0);
}

/** Of everything that the results depend on: the bytes, where they stand, how they are judged, in which language. */
function hashOf(piece: Piece, { context, resume }: AnalyseOptions): string {
  const hash = createHash('sha256');
  const { place, layout, position, amongConversations, repairs, lost } = piece;
  hash.update(JSON.stringify([resume?.engine, context, place, layout, position, amongConversations, repairs, lost]));
  for (const bytes of piece.texts) hash.update(`${bytes.length};`).update(bytes);
  return hash.digest('hex');
}

async function sizeOf(paths: readonly string[]): Promise<number | null> {
  let sum = 0;
  for (const path of paths) {
    if (path === '-') return null;
    const found = await stat(path).catch((error: unknown) => {
      throw new RempartError('ERR_EXPORT_MISSING', { path }, error);
    });
    sum += found.isDirectory() ? Number.NaN : found.size;
  }
  return Number.isNaN(sum) ? null : sum;
}
