// The checkpoints of a journal: their own chain and signatures, and what they sign of one stream.
import type { KeyObject } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Head } from './chain.ts';
import { checkpointHash, checkpointsFile, firstCheckpointPrev, publicKeyFile, readCheckpoint } from './checkpoint.ts';
import { linesOf } from './lines.ts';
import type { Problem, Why } from './verify.ts';

export interface CheckpointsRead {
  count: number;
  heads: Record<string, Head>;
  problem: Problem | null;
  torn: boolean;
}

export async function verifyCheckpoints(dir: string, key: KeyObject | null): Promise<CheckpointsRead> {
  const read: CheckpointsRead = { count: 0, heads: {}, problem: null, torn: false };
  const bad = (why: Why, line: number | null, seq: number | null): CheckpointsRead => ({
    ...read,
    problem: { file: checkpointsFile, line, seq, why },
  });
  if (!existsSync(join(dir, checkpointsFile))) return bad('checkpoints-missing', null, null);
  if (key === null) return { ...bad('key-missing', null, null), problem: keyMissing() };
  let prev = firstCheckpointPrev;
  for await (const line of linesOf(join(dir, checkpointsFile))) {
    if (!line.complete) return { ...read, torn: true };
    const result = readCheckpoint(line.bytes, key);
    if (result.kind === 'bad') return bad(result.why, line.number, result.seq);
    const { checkpoint } = result;
    if (checkpoint.seq !== read.count + 1) return bad('sequence', line.number, checkpoint.seq);
    if (checkpoint.prev !== prev) return bad('link', line.number, checkpoint.seq);
    // The first checkpoint of a journal is written before any record: one that signs heads is not the first.
    if (checkpoint.seq === 1 && Object.keys(checkpoint.heads).length > 0) return bad('checkpoints-cut', 1, 1);
    read.count += 1;
    read.heads = checkpoint.heads;
    prev = checkpointHash(line.bytes);
  }
  return read.count === 0 ? bad('checkpoints-missing', null, null) : read;
}

function keyMissing(): Problem {
  return { file: publicKeyFile, line: null, seq: null, why: 'key-missing' };
}

export interface SignedHead extends Head {
  checkpoint: number;
}

/** The heads of one stream that the first `count` (valid) checkpoints sign, ascending, each once. */
export async function* signedHeads(dir: string, stream: string, count: number): AsyncGenerator<SignedHead> {
  if (count === 0) return;
  let before = 0;
  for await (const line of linesOf(join(dir, checkpointsFile))) {
    const read = readCheckpoint(line.bytes, null);
    if (read.kind === 'bad') return;
    const head = Object.hasOwn(read.checkpoint.heads, stream) ? read.checkpoint.heads[stream] : undefined;
    if (head !== undefined && head.seq !== before) {
      yield { ...head, checkpoint: read.checkpoint.seq };
      before = head.seq;
    }
    if (line.number === count) return;
  }
}
