// From paths to a report's material: everything is read, judged, kept in the order of the input, and counted.
import type { Readable } from 'node:stream';
import { type AnalysedConversation, type Analysis, type Severity, severities } from '../platform/documents/analysis.ts';
import type { Lang } from '../platform/i18n/say.ts';
import { type AcrossView, createAcrossView } from './across.ts';
import { engineOf } from './engine.ts';
import { type KeptConversations, keepConversations } from './kept-conversations.ts';
import { ruleWords } from './knowledge/rule-words.ts';
import { letGo } from './let-go.ts';
import type { Told } from './narrative/narrate.ts';
import { analyseExports, type Progress } from './pipeline.ts';
import type { ReportSource } from './report/source.ts';
import { readWritten, writtenOut } from './written.ts';

export interface AnalyseInput {
  paths: readonly string[];
  lang: Lang;
  /** ISO instant with its offset. */
  date: string;
  /** Of the program. */
  version: string;
  stdin?: Readable;
  /** Takes from this file what was analysed before, and keeps there what is new. */
  resumeFile?: string;
  workers?: number;
  signal?: AbortSignal;
  onProgress?: (progress: Progress) => void;
  /** Tells the findings of one conversation in sentences; null where it has nothing to tell. */
  narrate?: { name: string; tell: (conversation: AnalysedConversation) => Promise<Told | null> };
}

export interface AnalysisResult {
  source: ReportSource;
  /** Open weaknesses of all conversations. */
  open: Record<Severity, number>;
  interrupted: boolean;
  /** Lets go of what was kept; the source cannot be read after it. */
  close(): void;
}

/** Throws ERR_EXPORT_MISSING when a path does not exist. */
export async function analyse(input: AnalyseInput): Promise<AnalysisResult> {
  const kept = keepConversations();
  const titleOf = (rule: string, title: string) => ruleWords({ rule, title, fix: '' }, input.lang).title;
  const across = createAcrossView(undefined, titleOf);
  try {
    return await gather(input, kept, across);
  } catch (error) {
    kept.close();
    throw error;
  } finally {
    across.close();
  }
}

async function gather(input: AnalyseInput, kept: KeptConversations, across: AcrossView): Promise<AnalysisResult> {
  const engine = engineOf(input.version);
  const statistics = { conversations: 0, ok: 0, errors: 0 };
  const open = { critical: 0, high: 0, medium: 0, low: 0, info: 0 };
  const notRead: Analysis['notRead'] = [];
  const ids = new Map<string, number>();
  const asked =
    input.narrate === undefined ? undefined : { name: input.narrate.name, accepted: 0, refused: 0, unanswered: 0 };
  let interrupted = false;
  for await (const found of analyseExports(input.paths, pipelineOptions(input, engine))) {
    if (input.signal?.aborted === true) {
      interrupted = true;
      break;
    }
    if (found.kind === 'not-read') {
      notRead.push({ source: found.source, why: found.why });
      continue;
    }
    statistics.conversations += 1;
    const id = ownId(found.facts.id, ids);
    const facts = id === found.facts.id ? found.facts : { ...found.facts, id };
    statistics[facts.status === 'ok' ? 'ok' : 'errors'] += 1;
    for (const severity of severities) open[severity] += facts.open[severity];
    across.add(facts);
    if (input.narrate === undefined || asked === undefined) kept.add(writtenOut(found, statistics.conversations, id));
    else kept.add(await narrated(readWritten(found, statistics.conversations, id), input.narrate, asked));
    letGo(found.body);
  }
  const source: ReportSource = {
    schema: 'rempart/analysis@1',
    engine,
    date: input.date,
    lang: input.lang,
    conversations: kept,
    statistics,
    across: across.view(),
    notRead,
    ...(asked === undefined ? {} : { narrator: asked }),
  };
  return { source, open, interrupted, close: () => kept.close() };
}

function pipelineOptions({ lang, stdin, workers, onProgress, resumeFile }: AnalyseInput, engine: Analysis['engine']) {
  return {
    context: { lang },
    ...(stdin === undefined ? {} : { stdin }),
    ...(workers === undefined ? {} : { workers }),
    ...(onProgress === undefined ? {} : { onProgress }),
    ...(resumeFile === undefined
      ? {}
      : { resume: { file: resumeFile, engine: `${engine.version} ${engine.rules.hash}` } }),
  };
}

/** As JSON, with what the narrator told of it. */
async function narrated(
  conversation: AnalysedConversation,
  { tell }: NonNullable<AnalyseInput['narrate']>,
  asked: NonNullable<Analysis['narrator']> & { unanswered: number },
): Promise<Buffer> {
  const told = await tell(conversation);
  if (told !== null) {
    conversation.narrative = told.sentences;
    asked.accepted += told.accepted;
    asked.refused += told.refused;
    if (!told.answered) asked.unanswered += 1;
  }
  return Buffer.from(JSON.stringify(conversation));
}

/** An export may be given twice, and nothing is left out for that: its conversations differ by a number. */
function ownId(given: string, copies: Map<string, number>): string {
  let id = given;
  // Counted on from the last one: a hundred thousand of one id would else be gone through for each of them.
  let copy = copies.get(id) ?? 1;
  while (copies.has(id)) id = `${given}~${++copy}`;
  copies.set(given, copy);
  if (id !== given) copies.set(id, 1);
  return id;
}
