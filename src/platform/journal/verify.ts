// Reads a whole journal with nothing but the public key, and names the first bad record of each stream and why.
import { createPublicKey, type KeyObject } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RempartError } from '../base/errors.ts';
import { type Head, segmentName, segmentPattern } from './chain.ts';
import { checkpointsFile, publicKeyFile } from './checkpoint.ts';
import { type Line, linesOf } from './lines.ts';
import { genesis, type JournalRecord, readRecord } from './record.ts';
import { type SignedHead, signedHeads, verifyCheckpoints } from './verify-checkpoints.ts';

export type Why =
  | 'unreadable'
  | 'not-canonical'
  | 'hash'
  | 'stream'
  | 'sequence'
  | 'link'
  | 'segment-missing'
  | 'cut'
  | 'rewritten'
  | 'not-expected'
  | 'stream-missing'
  | 'signature'
  | 'checkpoints-missing'
  | 'checkpoints-cut'
  | 'key-missing';

export interface Problem {
  /** Relative to the journal directory. */
  file: string;
  line: number | null;
  seq: number | null;
  why: Why;
  /** What was expected there, e.g. the sequence number that is signed. */
  expected?: number | string;
  found?: number | string;
  /** The checkpoint that signed what is missing. */
  checkpoint?: number;
}

export interface StreamReport {
  stream: string;
  records: number;
  /** The last record that could be followed from the first one. */
  head: Head;
  /** The newest sequence number that a valid checkpoint signs. */
  signedUpTo: number;
  problem: Problem | null;
  /** A last line without its end that no checkpoint covers: a crash, not tampering. */
  torn: { file: string; line: number } | null;
  /** Requests received whose outcome was never written: a crash, not tampering. The first hundred by name. */
  outcomeUnknown: { count: number; first: { seq: number; correlation: string }[] };
}

export interface VerifyReport {
  ok: boolean;
  streams: StreamReport[];
  checkpoints: { count: number; problem: Problem | null; torn: boolean };
}

export interface VerifyOptions {
  dir: string;
  /** PEM; default journal.pub.pem beside the journal, which proves nothing against one who could replace it. */
  publicKey?: string;
  /** Heads exported earlier: the only proof against a journal cut back together with its checkpoints. */
  expect?: Readonly<Record<string, Head>>;
}

/** Throws ERR_JOURNAL_MISSING when there is nothing to read; everything else is in the report. */
export async function verifyJournal({ dir, publicKey, expect = {} }: VerifyOptions): Promise<VerifyReport> {
  const names = existsSync(dir) ? streamsIn(dir) : [];
  const hasCheckpoints = existsSync(join(dir, checkpointsFile));
  if (names.length === 0 && !hasCheckpoints) throw new RempartError('ERR_JOURNAL_MISSING', { dir });
  const key = readKey(dir, publicKey);
  const checkpoints = await verifyCheckpoints(dir, key);
  const known = new Set([...names, ...Object.keys(checkpoints.heads), ...Object.keys(expect)]);
  const streams: StreamReport[] = [];
  for (const stream of [...known].sort()) {
    const trusted = checkpoints.count;
    streams.push(await verifyStream(dir, stream, signedHeads(dir, stream, trusted), expect[stream]));
  }
  const ok = checkpoints.problem === null && streams.every((stream) => stream.problem === null);
  return {
    ok,
    streams,
    checkpoints: { count: checkpoints.count, problem: checkpoints.problem, torn: checkpoints.torn },
  };
}

function streamsIn(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .filter((name) => segmentsOf(dir, name).length > 0);
}

function segmentsOf(dir: string, stream: string): string[] {
  const folder = join(dir, stream);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => segmentPattern.test(name))
    .sort();
}

function readKey(dir: string, given: string | undefined): KeyObject | null {
  try {
    return createPublicKey(given ?? readFileSync(join(dir, publicKeyFile)));
  } catch {
    return null;
  }
}

async function verifyStream(
  dir: string,
  stream: string,
  signed: AsyncGenerator<SignedHead>,
  expected: Head | undefined,
): Promise<StreamReport> {
  const walk = createWalk(stream, signed, expected);
  await walk.begin();
  for (const segment of segmentsOf(dir, stream)) {
    const file = `${stream}/${segment}`;
    let first = true;
    for await (const line of linesOf(join(dir, file))) {
      if (first && segment !== segmentName(walk.report.head.seq + 1)) {
        walk.report.problem = {
          file,
          line: 1,
          seq: null,
          why: 'segment-missing',
          expected: segmentName(walk.report.head.seq + 1),
        };
      }
      first = false;
      if (walk.report.problem === null) await walk.take(file, line);
      if (walk.report.problem !== null || walk.report.torn !== null) break;
    }
    if (walk.report.problem !== null) break;
    if (walk.report.torn !== null && segment !== segmentsOf(dir, stream).at(-1)) {
      walk.report.problem = { ...walk.report.torn, seq: null, why: 'unreadable' };
      break;
    }
  }
  await walk.end();
  return walk.report;
}

interface Walk {
  report: StreamReport;
  begin(): Promise<void>;
  take(file: string, line: Line): Promise<void>;
  end(): Promise<void>;
}

function createWalk(stream: string, signed: AsyncGenerator<SignedHead>, expected: Head | undefined): Walk {
  const pending = new Map<string, number>();
  const report: StreamReport = {
    stream,
    records: 0,
    head: { seq: 0, hash: genesis },
    signedUpTo: 0,
    problem: null,
    torn: null,
    outcomeUnknown: { count: 0, first: [] },
  };
  let next: SignedHead | null = null;
  let lastFile = stream;
  const advance = async (): Promise<void> => {
    const step = await signed.next();
    next = step.done === true ? null : step.value;
  };
  const bad = (file: string, line: number | null, why: Why, seq: number | null, more: Partial<Problem> = {}): void => {
    report.problem = { file, line, seq, why, ...more };
  };
  return {
    report,
    begin: advance,
    async take(file, line) {
      lastFile = file;
      if (!line.complete) {
        report.torn = { file, line: line.number };
        return;
      }
      const read = readRecord(line.bytes);
      if (read.kind === 'bad') return bad(file, line.number, read.why, read.seq);
      const { record } = read;
      const seq = report.head.seq + 1;
      if (record.stream !== stream) return bad(file, line.number, 'stream', record.seq, { found: record.stream });
      if (record.seq !== seq) return bad(file, line.number, 'sequence', record.seq, { expected: seq });
      if (record.prev !== report.head.hash) return bad(file, line.number, 'link', record.seq);
      if (next?.seq === seq && next.hash !== record.hash) return bad(file, line.number, 'rewritten', seq);
      if (expected?.seq === seq && expected.hash !== record.hash)
        return bad(file, line.number, 'not-expected', seq, { expected: expected.hash, found: record.hash });
      report.head = { seq, hash: record.hash };
      report.records += 1;
      followRequest(pending, record);
      if (next?.seq === seq) {
        report.signedUpTo = seq;
        await advance();
      }
    },
    async end() {
      const { seq } = report.head;
      let signedTo = report.signedUpTo;
      let checkpoint: number | undefined;
      // Typed anew: `next` changes inside advance(), which the compiler cannot see.
      for (let head = next as SignedHead | null; head !== null; head = next as SignedHead | null) {
        if (head.seq > signedTo) ({ seq: signedTo, checkpoint } = head);
        await advance();
      }
      const wanted = Math.max(signedTo, expected?.seq ?? 0);
      if (report.problem === null && wanted > seq) {
        const signer = checkpoint === undefined || wanted > signedTo ? {} : { checkpoint };
        bad(lastFile, null, seq === 0 ? 'stream-missing' : 'cut', seq, { expected: wanted, ...signer });
        report.torn = null;
      }
      report.outcomeUnknown = {
        count: pending.size,
        first: [...pending].slice(0, 100).map(([correlation, at]) => ({ correlation, seq: at })),
      };
      await signed.return(undefined);
    },
  };
}

/** A request is written twice, as `received` and as `outcome`, in the same stream. Memory holds only what is under way. */
function followRequest(pending: Map<string, number>, record: JournalRecord): void {
  const { unmapped, metadata } = record.event as {
    unmapped?: { phase?: unknown };
    metadata?: { correlation_uid?: unknown };
  };
  const correlation = metadata?.correlation_uid;
  if (typeof correlation !== 'string') return;
  if (unmapped?.phase === 'received') pending.set(correlation, record.seq);
  if (unmapped?.phase === 'outcome') pending.delete(correlation);
}
