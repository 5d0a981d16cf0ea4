// One stream on disk: its segments, its head, and what is done at start about a torn end.
import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type AppendFile, cutTornTail, type Disk, openAppendFile, syncDirectory, type Torn } from './append-file.ts';
import { genesis, readRecord, sealRecord } from './record.ts';

export interface Head {
  seq: number;
  hash: string;
}

export interface ChainRecord {
  event: string;
  time: number;
}

export interface Chain {
  readonly head: Head;
  /** What was cut off the end when the chain was opened; null when it ended well. */
  readonly torn: Torn | null;
  /** One write and one fsync for all of them; throws and the chain is as before. */
  append(records: readonly ChainRecord[]): Head[];
  close(): void;
}

export interface ChainOptions {
  dir: string;
  stream: string;
  segmentBytes: number;
  disk: Disk;
  now: number;
}

export const segmentPattern = /^\d{12}\.jsonl$/;

export function openChain({ dir, stream, segmentBytes, disk, now }: ChainOptions): Chain {
  const folder = join(dir, stream);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  syncDirectory(dir);
  const { file: lastFile, head: found, torn } = findHead(folder, now);
  let head = found;
  let file: AppendFile | null = lastFile === null ? null : openAppendFile(join(folder, lastFile), disk);

  const segmentFor = (seq: number): AppendFile => {
    if (file !== null && file.size < segmentBytes) return file;
    const next = openAppendFile(join(folder, segmentName(seq)), disk);
    file?.close();
    file = next;
    return next;
  };

  return {
    get head() {
      return head;
    },
    torn,
    append(records) {
      let { seq, hash } = head;
      const lines: string[] = [];
      const heads = records.map(({ event, time }) => {
        seq += 1;
        const sealed = sealRecord({ event, prev: hash, seq, stream, time });
        hash = sealed.hash;
        lines.push(sealed.line, '\n');
        return { seq, hash };
      });
      segmentFor(head.seq + 1).append(Buffer.from(lines.join('')));
      head = { seq, hash };
      return heads;
    },
    close: () => file?.close(),
  };
}

export function segmentName(firstSeq: number): string {
  return `${String(firstSeq).padStart(12, '0')}.jsonl`;
}

function findHead(folder: string, now: number): { file: string | null; head: Head; torn: Torn | null } {
  const segments = readdirSync(folder)
    .filter((name) => segmentPattern.test(name))
    .sort();
  let torn: Torn | null = null;
  let file: string | null = null;
  // A crash may leave the newest segment empty: then the head is in the one before.
  for (const name of segments.reverse()) {
    file ??= name;
    const path = join(folder, name);
    if (statSync(path).size === 0) continue;
    const cut = cutTornTail(path, now, (line) => readRecord(line).kind === 'record');
    torn = cut.torn ?? torn;
    const read = cut.last === null ? null : readRecord(cut.last);
    if (read?.kind === 'record') return { file, head: { seq: read.record.seq, hash: read.record.hash }, torn };
  }
  return { file, head: { seq: 0, hash: genesis }, torn };
}
