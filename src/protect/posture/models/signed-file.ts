// A document and an Ed25519 signature over it in one file, written whole or not at all.
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { createWhole } from '../../../platform/base/create-whole.ts';
import { canonicalJson, type Json, type JsonObject } from '../../../platform/base/json.ts';

export interface Signer {
  privateKey: KeyObject;
  publicKey: KeyObject;
  /** SHA-256 of the public key's SPKI bytes, in hex. */
  id: string;
}

/** The key in `file`, made on first use and readable by its owner only. */
export function openSigner(file: string): Signer {
  return readSigner(file) ?? makeSigner(file);
}

/** Undefined when there is none yet. Throws when the file holds no Ed25519 key. */
export function readSigner(file: string): Signer | undefined {
  let pem: Buffer;
  try {
    pem = readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const privateKey = createPrivateKey(pem);
  if (privateKey.asymmetricKeyType !== 'ed25519') throw new TypeError(`${file} holds no Ed25519 key`);
  return signerOf(privateKey);
}

function makeSigner(file: string): Signer {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const { privateKey } = generateKeyPairSync('ed25519');
  createWhole(file, Buffer.from(privateKey.export({ type: 'pkcs8', format: 'pem' })));
  // Of two makers one wins: what lies there counts.
  return signerOf(createPrivateKey(readFileSync(file)));
}

function signerOf(privateKey: KeyObject): Signer {
  const publicKey = createPublicKey(privateKey);
  const id = createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex');
  return { privateKey, publicKey, id };
}

export interface Signed {
  document: JsonObject;
  /** Base64url. */
  signature: string;
  /** Which key signed. */
  key: string;
}

export type ReadSigned =
  | { kind: 'signed'; signed: Signed }
  | { kind: 'missing' }
  | { kind: 'bad'; why: 'unreadable' | 'signature' | 'key' };

/** Signs the canonical JSON; the document's own `schema` is part of it, so that one kind cannot pass for another. */
export function signDocument(document: JsonObject, signer: Signer): Signed {
  const signature = sign(null, bytesOf(document), signer.privateKey).toString('base64url');
  return { document, signature, key: signer.id };
}

export function writeSigned(file: string, signed: Signed): void {
  writeWhole(file, `${canonicalJson(signed as unknown as Json)}\n`);
}

/** `maxBytes`: more than the document can ever be. */
export function readSigned(
  file: string,
  schema: string,
  signer: Signer | undefined,
  maxBytes = 67_108_864,
): ReadSigned {
  let text: Buffer;
  try {
    text = readFileSync(file);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT'
      ? { kind: 'missing' }
      : { kind: 'bad', why: 'unreadable' };
  }
  const signed = text.length > maxBytes ? undefined : parse(text);
  if (signed === undefined || signed.document['schema'] !== schema) return { kind: 'bad', why: 'unreadable' };
  if (signer === undefined || signed.key !== signer.id) return { kind: 'bad', why: 'key' };
  const bytes = Buffer.from(signed.signature, 'base64url');
  // Base64url has several spellings of the same bytes: only the one that is written is accepted.
  const spelled = bytes.toString('base64url') === signed.signature;
  if (!spelled || !verify(null, bytesOf(signed.document), signer.publicKey, bytes))
    return { kind: 'bad', why: 'signature' };
  return { kind: 'signed', signed };
}

/** Replaces a file at once: who reads sees the old one or the new one, also after a crash. */
export function writeWhole(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.${process.pid}-draft`;
  const fd = openSync(draft, 'w', 0o600);
  try {
    writeFileSync(fd, text);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(draft, file);
  syncFolder(dirname(file));
}

/** A rename is only sure to outlive a crash once its folder is synced; Windows has no such call and needs none. */
export function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function bytesOf(document: JsonObject): Buffer {
  return Buffer.from(canonicalJson(document));
}

function parse(text: Buffer): Signed | undefined {
  try {
    const { document, signature, key, ...rest } = JSON.parse(text.toString('utf8')) as Partial<Signed>;
    const whole = typeof document === 'object' && document !== null && !Array.isArray(document);
    if (!whole || typeof signature !== 'string' || typeof key !== 'string' || Object.keys(rest).length > 0)
      return undefined;
    return { document, signature, key };
  } catch {
    return undefined;
  }
}
