// Follows the journal's own chain while it grows, and walks it again from its begin now and then: a record that was changed, taken out or put in is told of; a torn end is a crash.
import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { segmentName, segmentPattern } from '../../platform/journal/chain.ts';
import { genesis, readRecord, readSeal } from '../../platform/journal/record.ts';
import type { Detector, DetectorContext } from './detector.ts';
import { lookEvery, type Timers } from './timers.ts';

export interface JournalChainParts {
  /** The journal's directory. */
  dir: string;
  timers: Timers;
  everyMs?: number;
  /** Bytes of each stream read in one look: by who follows its end, and by who walks it again. */
  followBytes?: number;
  againBytes?: number;
}

/** The last record that could be followed from the first, and where its line ends. */
interface Walk {
  segment: string;
  byte: number;
  seq: number;
  hash: string;
  at: number;
}

type Why =
  | 'unreadable'
  | 'not-canonical'
  | 'hash'
  | 'stream'
  | 'sequence'
  | 'link'
  | 'segment-missing'
  | 'cut'
  | 'rewritten';
type Step = { walk: Walk; problem?: { why: Why; seq: number }; atEnd: boolean };

interface Stream {
  follow: Walk;
  /** Where the follower was a while ago: what its writer may still have taken back lies behind it. */
  settled: Walk;
  again: Walk;
  told: string;
}

/** A failed write is taken back at once by the writer; what stands longer was acknowledged. */
const settleMs = 15_000;
const maxLineBytes = 4_194_304;

export function journalChainDetector(parts: JournalChainParts): Detector {
  const { dir, timers, everyMs = 1_000, followBytes = 4_194_304, againBytes = 262_144 } = parts;
  return {
    name: 'journal-chain',
    types: ['log-injection'],
    deadAfterMs: Math.max(60_000, everyMs * 5),
    start(context) {
      const streams = new Map<string, Stream>();
      return lookEvery({ timers, ms: everyMs }, context, async (signal) => {
        for (const name of await streamsIn(dir)) {
          if (signal.aborted) return;
          const at = context.now();
          const known = streams.get(name) ?? newStream(at);
          streams.set(name, known);
          await lookAt(name, known, at);
        }
        for (const [name, known] of streams)
          if (known.settled.seq > 0 && !(await exists(join(dir, name))))
            tell(context, name, known, { why: 'cut', seq: 0 });
      });

      async function lookAt(name: string, known: Stream, at: number): Promise<void> {
        const followed = await walkOn(join(dir, name), name, known.follow, followBytes, at);
        if (followed.problem === undefined) known.follow = followed.walk;
        else {
          // Perhaps only the writer took back what it could not write: then the part that settled still goes on.
          const anew = await walkOn(join(dir, name), name, known.settled, followBytes, at);
          if (anew.problem !== undefined) return tell(context, name, known, anew.problem);
          known.follow = anew.walk;
        }
        if (at - known.settled.at > settleMs) known.settled = { ...known.follow, at };
        await again(name, known, at);
      }

      async function again(name: string, known: Stream, at: number): Promise<void> {
        const walked = await walkOn(join(dir, name), name, known.again, againBytes, at, known.settled);
        if (walked.problem !== undefined) return tell(context, name, known, walked.problem);
        known.again = walked.atEnd || walked.walk.seq >= known.settled.seq ? firstWalk(at) : walked.walk;
      }
    },
  };
}

function tell(context: DetectorContext, stream: string, known: Stream, { why, seq }: { why: Why; seq: number }): void {
  const what = `${why} ${seq}`;
  if (known.told === what) return;
  known.told = what;
  context.report({
    type: 'log-injection',
    subject: `journal:${stream}`,
    occurredAt: context.now(),
    severity: 'critical',
    facts: { stream, why, seq },
  });
}

function firstWalk(at: number): Walk {
  return { segment: segmentName(1), byte: 0, seq: 0, hash: genesis, at };
}

function newStream(at: number): Stream {
  return { follow: firstWalk(at), settled: firstWalk(at), again: firstWalk(at), told: '' };
}

async function streamsIn(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}

/** Reads on from a place; `known` is a record further on whose hash is remembered. */
async function walkOn(
  folder: string,
  stream: string,
  from: Walk,
  bytes: number,
  at: number,
  known?: Walk,
): Promise<Step> {
  const segments = (await readdir(folder).catch(() => [])).filter((name) => segmentPattern.test(name)).sort();
  let walk: Walk = { ...from, at };
  if (segments.length === 0) return from.seq === 0 ? { walk, atEnd: true } : lost(walk, 'cut');
  let left = bytes;
  const begin = segments.indexOf(walk.segment);
  if (begin < 0) return lost(walk, 'segment-missing');
  for (const [index, segment] of segments.slice(begin).entries()) {
    if (index > 0) {
      if (segment !== segmentName(walk.seq + 1)) return lost(walk, 'segment-missing');
      walk = { ...walk, segment, byte: 0 };
    }
    const handle = await open(join(folder, segment), 'r');
    try {
      const { size } = await handle.stat();
      if (size < walk.byte) return lost(walk, 'cut');
      const read = await walkSegment(handle, size, stream, walk, left, known);
      if (read.problem !== undefined) return read;
      left -= read.walk.byte - walk.byte;
      walk = read.walk;
      if (left <= 0) return { walk, atEnd: false };
      // A line without its end within the chain is no torn end.
      if (walk.byte < size && segment !== segments.at(-1)) return lost(walk, 'unreadable');
    } finally {
      await handle.close();
    }
  }
  return { walk, atEnd: true };
}

function lost(walk: Walk, why: Why): Step {
  return { walk, problem: { why, seq: walk.seq + 1 }, atEnd: true };
}

async function walkSegment(
  handle: FileHandle,
  size: number,
  stream: string,
  from: Walk,
  bytes: number,
  known: Walk | undefined,
): Promise<Step> {
  let walk = from;
  let length = 262_144;
  while (walk.byte < size && walk.byte - from.byte < bytes) {
    const buffer = Buffer.alloc(Math.min(length, size - walk.byte));
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, walk.byte);
    const piece = buffer.subarray(0, bytesRead);
    if (!piece.includes(0x0a)) {
      if (walk.byte + bytesRead >= size) return { walk, atEnd: true };
      if (length > maxLineBytes) return lost(walk, 'unreadable');
      length *= 2;
      continue;
    }
    let start = 0;
    for (let end = piece.indexOf(0x0a); end >= 0; end = piece.indexOf(0x0a, start)) {
      const read = followed(piece.subarray(start, end), stream, walk, known !== undefined);
      if (typeof read === 'string') return lost(walk, read);
      if (known?.seq === read.seq && known.hash !== read.hash) return lost(walk, 'rewritten');
      walk = { ...walk, ...read, byte: walk.byte + end - start + 1 };
      start = end + 1;
    }
  }
  return { walk, atEnd: walk.byte >= size };
}

/** Whoever walks again reads each record through; whoever follows checks its hash, and reads what does not fit. */
function followed(line: Buffer, stream: string, walk: Walk, isAgain: boolean): Pick<Walk, 'seq' | 'hash'> | Why {
  let record = isAgain ? undefined : readSeal(line);
  if (record === undefined) {
    const read = readRecord(line);
    if (read.kind === 'bad') return read.why;
    record = read.record;
  }
  if (record.stream !== stream) return 'stream';
  if (record.seq !== walk.seq + 1) return 'sequence';
  if (record.prev !== walk.hash) return 'link';
  return { seq: record.seq, hash: record.hash };
}
