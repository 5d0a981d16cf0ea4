// One thread of the analysis: reads a piece and judges each conversation in it.
import { parentPort, workerData } from 'node:worker_threads';
import { RempartError } from '../platform/base/errors.ts';
import { takeParsedFiles } from '../platform/base/parsed-files.ts';
import type { AnalysedConversation } from '../platform/documents/analysis.ts';
import { say } from '../platform/i18n/say.ts';
import type { AnalysisContext } from './analysis-context.ts';
import { brokenConversation } from './broken-conversation.ts';
import type { Conversation } from './conversation.ts';
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

export type Analyse = (
  conversation: Conversation,
  context: AnalysisContext,
  number: number,
) => AnalysedConversation | Promise<AnalysedConversation>;

/** What this thread's conversations are judged under, until their places are known. */
const mark = drawMark();

const port = parentPort;
if (port !== null) {
  const { analyse, context } = workerData as WorkerStart;
  const { analyseConversation } = (await import(analyse)) as { analyseConversation: Analyse };
  const work = async ({ tasks, at }: Batch<Piece>) => {
    const results: PieceResults[] = [];
    for (const [i, piece] of tasks.entries()) {
      Atomics.store(at, 0, i);
      // As JSON: half the time of a structured clone, and report and journal keep it as it is.
      results.push(packed(await analysePiece(piece, analyseConversation, context)));
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

async function analysePiece(piece: Piece, analyse: Analyse, context: AnalysisContext): Promise<Analysed[]> {
  const out: Analysed[] = [];
  // Masked here already: what leaves this thread is kept on disk for an analysis that goes on later.
  for (const item of readPiece(piece, context.lang)) {
    if (item.kind === 'not-a-conversation') {
      out.push({ kind: 'not-read', source: maskedName(item.source), why: maskedName(item.why) });
      continue;
    }
    const conversation =
      item.kind === 'broken'
        ? brokenConversation(item, context.lang)
        : await judged(item.conversation, analyse, context);
    out.push(written(withMaskedNames(conversation), mark));
  }
  return out;
}

/** A conversation that the analysis trips over costs nobody but itself. */
async function judged(
  conversation: Conversation,
  analyse: Analyse,
  context: AnalysisContext,
): Promise<AnalysedConversation> {
  try {
    return await analyse(conversation, context, mark);
  } catch (error) {
    const { id, title, source, format } = conversation;
    const code = error instanceof RempartError ? error.code : 'ERR_ANALYSIS_FAILED';
    // The kind of error only: its message may quote the conversation.
    const why = say(context.lang, 'ERR_ANALYSIS_FAILED', { why: error instanceof Error ? error.name : 'Error' });
    return brokenConversation({ kind: 'broken', id, title, source, format, code, why }, context.lang);
  }
}
