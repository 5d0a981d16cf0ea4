// A signature over the heads of all streams, chained to the one before it.
import { createHash, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { canonicalJson, type Json } from '../base/json.ts';
import type { Head } from './chain.ts';
import { genesis, parseLine } from './record.ts';

export const checkpointsFile = 'checkpoints.jsonl';
export const publicKeyFile = 'journal.pub.pem';

export interface Checkpoint {
  heads: Record<string, Head>;
  /** SHA-256 of the public key's SPKI bytes, in hex: which key signed. */
  key: string;
  /** Hash of the line before; 64 zeros for the first. */
  prev: string;
  seq: number;
  /** Ed25519 over the canonical JSON of all other fields, base64url. */
  signature: string;
  time: number;
}

export type Unsigned = Omit<Checkpoint, 'signature'>;

export function keyId(key: KeyObject): string {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex');
}

export function signCheckpoint(unsigned: Unsigned, privateKey: KeyObject): string {
  const signature = sign(null, bytesOf(unsigned), privateKey).toString('base64url');
  return canonicalJson({ ...unsigned, signature } as unknown as Json);
}

/** The hash that the next checkpoint names as its `prev`. */
export function checkpointHash(line: Buffer | string): string {
  return createHash('sha256').update(line).digest('hex');
}

export const firstCheckpointPrev = genesis;

export type ReadCheckpoint =
  | { kind: 'checkpoint'; checkpoint: Checkpoint }
  | { kind: 'bad'; why: 'unreadable' | 'not-canonical' | 'signature'; seq: number | null };

/** Reads and checks one line; without a public key only its form is checked. */
export function readCheckpoint(line: Buffer, publicKey: KeyObject | null): ReadCheckpoint {
  const value = parseLine(line);
  if (!isCheckpoint(value)) return { kind: 'bad', why: 'unreadable', seq: null };
  if (!Buffer.from(canonicalJson(value as unknown as Json)).equals(line)) {
    return { kind: 'bad', why: 'not-canonical', seq: value.seq };
  }
  if (publicKey !== null) {
    const { signature, ...unsigned } = value;
    // Base64url has several spellings of the same bytes: only the one that is written is accepted.
    const bytes = Buffer.from(signature, 'base64url');
    const spelled = bytes.toString('base64url') === signature;
    if (!spelled || value.key !== keyId(publicKey) || !verify(null, bytesOf(unsigned), publicKey, bytes)) {
      return { kind: 'bad', why: 'signature', seq: value.seq };
    }
  }
  return { kind: 'checkpoint', checkpoint: value };
}

function bytesOf(unsigned: Unsigned): Buffer {
  return Buffer.from(canonicalJson(unsigned as unknown as Json));
}

function isCheckpoint(value: unknown): value is Checkpoint {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const line = value as Record<string, unknown>;
  return (
    Object.keys(line).length === 6 &&
    typeof line['heads'] === 'object' &&
    line['heads'] !== null &&
    Object.values(line['heads']).every(isHead) &&
    typeof line['key'] === 'string' &&
    typeof line['prev'] === 'string' &&
    Number.isSafeInteger(line['seq']) &&
    typeof line['signature'] === 'string' &&
    typeof line['time'] === 'number'
  );
}

function isHead(value: unknown): value is Head {
  const head = value as Partial<Head> | null;
  return typeof head === 'object' && head !== null && Number.isSafeInteger(head.seq) && typeof head.hash === 'string';
}
