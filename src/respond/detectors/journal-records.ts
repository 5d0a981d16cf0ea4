// Follows the records of the journal from where it was left; what was there before anybody followed is history.
import { closeSync, fstatSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { writeWhole } from '../../platform/base/write-whole.ts';
import { segmentPattern } from '../../platform/journal/chain.ts';
import { type JournalRecord, readRecord } from '../../platform/journal/record.ts';
import { type Place, type Places, readOn } from '../../platform/journal/sinks/follow.ts';

export interface JournalRecords {
  /** What is new, a bounded piece of it. */
  read(): JournalRecord[];
  keep(): void;
}

const limits = { records: 2_000, bytes: 1_048_576 };
const tailBytes = 1_048_576;
const places = z.record(
  z.string(),
  z.strictObject({ segment: z.string(), byte: z.number(), seq: z.number(), hash: z.string() }),
);

export function createJournalRecords(dir: string, placesFile: string | undefined): JournalRecords {
  let at: Places = readPlaces(placesFile) ?? endOf(dir);
  let kept = '';
  return {
    read() {
      const { records, places: next } = readOn(dir, at, limits);
      at = next;
      return records;
    },
    keep() {
      const text = JSON.stringify(at);
      if (placesFile === undefined || text === kept) return;
      writeWhole(placesFile, [text]);
      kept = text;
    },
  };
}

function readPlaces(file: string | undefined): Places | undefined {
  if (file === undefined) return undefined;
  try {
    return places.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return undefined;
  }
}

/** The last whole record of each stream. */
function endOf(dir: string): Places {
  const found: Record<string, Place> = {};
  for (const stream of namesIn(dir)) {
    const segment = namesIn(join(dir, stream))
      .filter((name) => segmentPattern.test(name))
      .sort()
      .at(-1);
    if (segment === undefined) continue;
    const place = lastPlace(join(dir, stream, segment), segment);
    if (place !== undefined) found[stream] = place;
  }
  return found;
}

function lastPlace(path: string, segment: string): Place | undefined {
  const fd = openSync(path, 'r');
  try {
    const { size } = fstatSync(fd);
    const from = Math.max(0, size - tailBytes);
    const bytes = Buffer.alloc(size - from);
    readSync(fd, bytes, 0, bytes.length, from);
    const end = bytes.lastIndexOf(0x0a);
    const begin = end <= 0 ? 0 : bytes.lastIndexOf(0x0a, end - 1) + 1;
    const read = end < 0 ? undefined : readRecord(bytes.subarray(begin, end));
    if (read?.kind !== 'record') return undefined;
    return { segment, byte: from + end + 1, seq: read.record.seq, hash: read.record.hash };
  } finally {
    closeSync(fd);
  }
}

function namesIn(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}
