// One line of the journal: how it is sealed, and how it is read back without trusting it.
import { createHash } from 'node:crypto';
import { canonicalJson, type Json, type JsonObject } from '../base/json.ts';

/** The `prev` of the first record of a chain. */
export const genesis = '0'.repeat(64);

export interface JournalRecord {
  event: JsonObject;
  hash: string;
  prev: string;
  seq: number;
  stream: string;
  time: number;
}

export interface Unsealed {
  /** Canonical JSON of the event: the writer never parses it again. */
  event: string;
  prev: string;
  seq: number;
  stream: string;
  time: number;
}

/** hash = SHA-256(prev ‖ record without hash), and the whole line without its line feed. */
export function sealRecord(record: Unsealed): { line: string; hash: string } {
  const rest = `"prev":"${record.prev}","seq":${record.seq},"stream":${JSON.stringify(record.stream)},"time":${record.time}}`;
  const hash = chainHash(record.prev, `{"event":${record.event},${rest}`);
  return { line: `{"event":${record.event},"hash":"${hash}",${rest}`, hash };
}

export function chainHash(prev: string, body: string): string {
  return createHash('sha256').update(prev).update(body).digest('hex');
}

export type ReadRecord =
  | { kind: 'record'; record: JournalRecord }
  | { kind: 'bad'; why: 'unreadable' | 'not-canonical' | 'hash'; seq: number | null };

/** Reads a line as bytes: two byte sequences that decode to the same text must not pass for one another. */
export function readRecord(line: Buffer): ReadRecord {
  const value = parseLine(line);
  if (!isRecord(value)) return { kind: 'bad', why: 'unreadable', seq: seqOf(value) };
  if (!Buffer.from(canonicalJson(value as unknown as Json)).equals(line)) {
    return { kind: 'bad', why: 'not-canonical', seq: value.seq };
  }
  const { hash, ...unsealed } = value;
  if (chainHash(value.prev, canonicalJson(unsealed)) !== hash) return { kind: 'bad', why: 'hash', seq: value.seq };
  return { kind: 'record', record: value };
}

const sealPattern =
  /^,"hash":"([0-9a-f]{64})","prev":"([0-9a-f]{64})","seq":([1-9]\d{0,15}),"stream":"([a-z0-9-]{1,64})","time":\d{1,16}\}$/;
const sealBegin = Buffer.from(',"hash":"');
const hashMember = sealBegin.length + 64 + 1;

/** What seals a line, its hash checked over its bytes; undefined: `readRecord` says what is wrong. Takes 4 µs where that takes 40. */
export function readSeal(line: Buffer): Pick<JournalRecord, 'hash' | 'prev' | 'seq' | 'stream'> | undefined {
  // Nothing behind the event can hold these bytes, so the last ones are the seal's.
  const at = line.lastIndexOf(sealBegin);
  const read = at < 0 ? null : sealPattern.exec(line.toString('latin1', at));
  if (read === null) return undefined;
  const [, hash = '', prev = '', seq, stream = ''] = read;
  const found = createHash('sha256')
    .update(prev)
    .update(line.subarray(0, at))
    .update(line.subarray(at + hashMember));
  return found.digest('hex') === hash ? { hash, prev, seq: Number(seq), stream } : undefined;
}

/** The JSON value of a line, or undefined. */
export function parseLine(line: Buffer): unknown {
  try {
    return JSON.parse(line.toString('utf8'));
  } catch {
    return undefined;
  }
}

function seqOf(value: unknown): number | null {
  const seq = typeof value === 'object' && value !== null ? (value as { seq?: unknown }).seq : undefined;
  return typeof seq === 'number' ? seq : null;
}

function isRecord(value: unknown): value is JournalRecord {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const record = value as Record<string, unknown>;
  return (
    Object.keys(record).length === 6 &&
    typeof record['event'] === 'object' &&
    record['event'] !== null &&
    typeof record['hash'] === 'string' &&
    typeof record['prev'] === 'string' &&
    Number.isSafeInteger(record['seq']) &&
    typeof record['stream'] === 'string' &&
    typeof record['time'] === 'number'
  );
}
