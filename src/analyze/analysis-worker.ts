// One thread of the analysis: reads a piece and judges each conversation in it.
import { parentPort, workerData } from 'node:worker_threads';
import { RempartError } from '../platform/base/errors.ts';
import { takeParsedFiles } from '../platform/base/parsed-files.ts';
import type { AnalysedConversation } from '../platform/documents/analysis.ts';
import { say } from '../platform/i18n/say.ts';
import type { Looks } from './analyse-conversation.ts';
import type { AnalysisContext } from './analysis-context.ts';
import { brokenConversation } from './broken-conversation.ts';
import type { Conversation, ReadItem } from './conversation.ts';
import { letGo } from './let-go.ts';
import { maskedName, withMaskedNames } from './masked.ts';
import { type Analysed, type PieceResults, packed } from './piece-results.ts';
import type { Piece } from './read/piece.ts';
import { readPiece } from './read/read-piece.ts';
import type { Batch } from './worker-pool.ts';
import { drawMark, written } from './written.ts';

/** What a worker is started with. */
export interface WorkerStart {
  /** The module whose `analyseConversation` judges. */
  analyse: string;
  context: AnalysisContext;
}

/** What such a module exports. */
export interface Judge {
  analyseConversation(
    conversation: Conversation,
    context: AnalysisContext,
    number: number,
    looks?: Looks,
  ): AnalysedConversation | Promise<AnalysedConversation>;
  /** What can be found out for many conversations at once. */
  looksAt?(conversations: readonly Conversation[], at: (index: number) => void): Looks[];
}

/** What this thread's conversations are judged under, until their places are known. */
const mark = drawMark();

const port = parentPort;
if (port !== null) {
  const { analyse, context } = workerData as WorkerStart;
  const judge = (await import(analyse)) as Judge;
  const work = async ({ tasks, at }: Batch<Piece>) => {
    const read = tasks.map((piece, i) => {
      Atomics.store(at, 0, i);
      const items = readPiece(piece, context.lang);
      for (const bytes of piece.texts) letGo(bytes);
      return items;
    });
    const looks = looksAtAll(read, judge, (i) => Atomics.store(at, 0, i));
    const results: PieceResults[] = [];
    for (const [i, items] of read.entries()) {
      Atomics.store(at, 0, i);
      // As JSON: half the time of a structured clone, and report and journal keep it as it is.
      results.push(packed(await analysed(items, judge, context, looks)));
    }
    port.postMessage(
      results,
      results.map(({ bodies }) => bodies.buffer),
    );
  };
  port.once('message', (rules: string) => {
    takeParsedFiles(rules);
    port.on('message', work);
    // Ready: from here on a task's time is its own.
    port.postMessage(null);
  });
}

/** None where one of them is stumbled over: each is then looked at by itself, and that one alone is lost. */
function looksAtAll(
  read: readonly (readonly ReadItem[])[],
  { looksAt }: Judge,
  at: (task: number) => void,
): Map<Conversation, Looks> {
  const all = read.flatMap((items, task) =>
    items.flatMap((item) => (item.kind === 'conversation' ? [{ task, conversation: item.conversation }] : [])),
  );
  try {
    const conversations = all.map(({ conversation }) => conversation);
    const looks = looksAt?.(conversations, (index) => at(all[index]!.task)) ?? [];
    return new Map(looks.map((one, index) => [conversations[index]!, one]));
  } catch {
    return new Map();
  }
}

async function analysed(
  items: readonly ReadItem[],
  judge: Judge,
  context: AnalysisContext,
  looks: ReadonlyMap<Conversation, Looks>,
): Promise<Analysed[]> {
  const out: Analysed[] = [];
  // Masked here already: what leaves this thread is kept on disk for an analysis that goes on later.
  for (const item of items) {
    if (item.kind === 'not-a-conversation') {
      out.push({ kind: 'not-read', source: maskedName(item.source), why: maskedName(item.why) });
      continue;
    }
    const conversation =
      item.kind === 'broken'
        ? brokenConversation(item, context.lang)
        : await judged(item.conversation, judge, context, looks.get(item.conversation));
    out.push(written(withMaskedNames(conversation), mark));
  }
  return out;
}

/** A conversation that the analysis trips over costs nobody but itself. */
async function judged(
  conversation: Conversation,
  judge: Judge,
  context: AnalysisContext,
  looks: Looks | undefined,
): Promise<AnalysedConversation> {
  try {
    return await judge.analyseConversation(conversation, context, mark, looks);
  } catch (error) {
    const { id, title, source, format } = conversation;
    const code = error instanceof RempartError ? error.code : 'ERR_ANALYSIS_FAILED';
    // The kind of error only: its message may quote the conversation.
    const why = say(context.lang, 'ERR_ANALYSIS_FAILED', { why: error instanceof Error ? error.name : 'Error' });
    return brokenConversation({ kind: 'broken', id, title, source, format, code, why }, context.lang);
  }
}
