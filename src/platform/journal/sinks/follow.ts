// Reads a journal's files on from a place, while they grow: only whole lines, in order, a bounded piece at a time.
import { closeSync, existsSync, fstatSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { segmentPattern } from '../chain.ts';
import { type JournalRecord, parseLine } from '../record.ts';

/** How far one stream has been read: the byte after the last record, and that record's own place in the chain. */
export interface Place {
  segment: string;
  byte: number;
  seq: number;
  hash: string;
}

export type Places = Readonly<Record<string, Place>>;

export interface Reading {
  records: JournalRecord[];
  /** Where the next reading begins, once these records are safe where they go. */
  places: Places;
  /** Lines that are no records, and records that are gone with their segment: `journal verify` says which. */
  unreadable: number;
}

export interface ReadLimits {
  records: number;
  bytes: number;
}

/** No line that Rempart writes is longer. */
const maxLineBytes = 4_194_304;

/** What the journal in `dir` holds beyond `places`; nothing when it was read to its end. */
export function readOn(dir: string, places: Places, limits: ReadLimits): Reading {
  const found: Reading = { records: [], places: { ...places }, unreadable: 0 };
  for (const stream of streamsOf(dir)) {
    const left = { ...limits, records: limits.records - found.records.length };
    if (left.records <= 0) break;
    const read = readStream(join(dir, stream), places[stream], left);
    found.records.push(...read.records);
    found.unreadable += read.unreadable;
    if (read.place !== undefined) found.places = { ...found.places, [stream]: read.place };
  }
  return found;
}

/** Bytes that lie beyond `places`. */
export function bytesBehind(dir: string, places: Places): number {
  let sum = 0;
  for (const stream of streamsOf(dir)) {
    const place = places[stream];
    for (const segment of segmentsOf(join(dir, stream))) {
      if (place !== undefined && segment < place.segment) continue;
      const { size } = statSync(join(dir, stream, segment), { throwIfNoEntry: false }) ?? { size: 0 };
      sum += segment === place?.segment ? Math.max(0, size - place.byte) : size;
    }
  }
  return sum;
}

function streamsOf(dir: string): string[] {
  if (!existsSync(dir)) return [];
  return readdirSync(dir, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();
}

function segmentsOf(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => segmentPattern.test(name))
    .sort();
}

interface StreamReading {
  records: JournalRecord[];
  place: Place | undefined;
  unreadable: number;
}

function readStream(folder: string, from: Place | undefined, limits: ReadLimits): StreamReading {
  const segments = segmentsOf(folder);
  const at = from === undefined ? 0 : segments.findIndex((name) => name >= from.segment);
  if (at < 0 || segments[at] === undefined) return { records: [], place: from, unreadable: 0 };
  let place = from;
  let unreadable = 0;
  for (const segment of segments.slice(at)) {
    const begun = place?.segment === segment ? place : { seq: 0, hash: '', ...place, segment, byte: 0 };
    const read = readSegment(join(folder, segment), begun, limits);
    unreadable += read.unreadable;
    place = read.place;
    if (read.records.length > 0) return { records: read.records, place, unreadable };
  }
  return { records: [], place, unreadable };
}

/**
 * A write that failed is cut off again by its writer, and something else may stand there now: then the chain does not
 * go on from the place, and the segment is read anew from the last number that was read. Twice is better than never.
 */
function readSegment(path: string, place: Place, limits: ReadLimits): StreamReading & { place: Place } {
  const fd = openSync(path, 'r');
  try {
    const { size } = fstatSync(fd);
    if (size === place.byte) return { records: [], place, unreadable: 0 };
    if (size > place.byte) {
      const read = linesFrom(fd, size, place, limits);
      const [first] = read.records;
      const goesOn = place.byte === 0 || first === undefined || first.prev === place.hash;
      if (goesOn) return read;
    }
    return linesFrom(fd, size, { ...place, byte: 0, seq: Math.max(0, place.seq - 1) }, limits);
  } finally {
    closeSync(fd);
  }
}

function linesFrom(fd: number, size: number, place: Place, limits: ReadLimits): StreamReading & { place: Place } {
  const records: JournalRecord[] = [];
  let { byte, seq, hash } = place;
  let unreadable = 0;
  while (byte < size && records.length < limits.records) {
    const bytes = wholeLines(fd, byte, size, limits.bytes);
    if (bytes.length === 0) break;
    let from = 0;
    for (let end = bytes.indexOf(0x0a); end >= 0 && records.length < limits.records; end = bytes.indexOf(0x0a, from)) {
      const record = recordOf(bytes.subarray(from, end));
      from = end + 1;
      if (record === undefined) unreadable++;
      // After a new reading of the segment, what was read before is passed over.
      else if (record.seq > seq) {
        records.push(record);
        ({ seq, hash } = record);
      }
    }
    byte += from;
    if (records.length > 0) break;
  }
  return { records, place: { segment: place.segment, byte, seq, hash }, unreadable };
}

/** Bytes up to the last line feed of a piece; more than `wanted` when one line alone is longer. Nothing: the last line is not whole yet. */
function wholeLines(fd: number, from: number, size: number, wanted: number): Buffer {
  for (let length = Math.min(wanted, size - from); ; length = Math.min(length * 2, size - from)) {
    const bytes = Buffer.alloc(length);
    const read = readSync(fd, bytes, 0, length, from);
    const end = bytes.subarray(0, read).lastIndexOf(0x0a);
    if (end >= 0) return bytes.subarray(0, end + 1);
    if (length >= size - from || length >= maxLineBytes) return Buffer.alloc(0);
  }
}

/** Whether it is as it was written is for the verifier to say; a copy only needs its shape. */
function recordOf(line: Buffer): JournalRecord | undefined {
  const value = parseLine(line) as Partial<JournalRecord> | null | undefined;
  if (typeof value !== 'object' || value === null || typeof value.event !== 'object' || value.event === null)
    return undefined;
  const { seq, hash, prev, stream, time } = value;
  const whole =
    typeof seq === 'number' &&
    typeof time === 'number' &&
    [hash, prev, stream].every((part) => typeof part === 'string');
  return whole ? (value as JournalRecord) : undefined;
}
