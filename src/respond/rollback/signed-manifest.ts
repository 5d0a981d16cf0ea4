// Manifests of backups, each signed with the data directory's own key: what lies beside the backups cannot vouch for itself.
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { createWhole } from '../../platform/base/create-whole.ts';
import { canonicalJson, type Json } from '../../platform/base/json.ts';
import { snapshotEntry } from './snapshot.ts';

export const backupCauses = ['schedule', 'asked', 'before-step', 'adopted'] as const;

export const manifestSchema = z.strictObject({
  schema: z.literal('rempart/backup@1'),
  id: z.string().regex(/^[0-9A-Za-z-]{1,64}$/),
  state: z.string(),
  format: z.string(),
  takenAt: z.iso.datetime(),
  cause: z.enum(backupCauses),
  /** SHA-256 over the entries. */
  digest: z.string(),
  bytes: z.int().min(0),
  /** It was laid out in a scratch place and read before this was written. */
  verifiedAt: z.iso.datetime(),
  entries: z.array(snapshotEntry),
});
export type BackupManifest = z.output<typeof manifestSchema>;

const signedSchema = z.strictObject({ document: manifestSchema, signature: z.string() });

export type ReadManifest =
  | { kind: 'manifest'; manifest: BackupManifest }
  | { kind: 'bad'; why: 'manifest' | 'signature' };

export interface ManifestKey {
  sign(manifest: BackupManifest): string;
  read(text: string): ReadManifest;
}

/** The key in `file`, made on first use. Throws when the file holds another kind of key. */
export function openManifestKey(file: string): ManifestKey {
  const privateKey = openKey(file);
  const publicKey = createPublicKey(privateKey);
  return {
    sign(document) {
      const signature = sign(null, bytesOf(document), privateKey).toString('base64url');
      return `${JSON.stringify({ document, signature }, null, 1)}\n`;
    },
    read(text) {
      let parsed: z.output<typeof signedSchema>;
      try {
        parsed = signedSchema.parse(JSON.parse(text));
      } catch {
        return { kind: 'bad', why: 'manifest' };
      }
      const { document, signature } = parsed;
      if (!verify(null, bytesOf(document), publicKey, Buffer.from(signature, 'base64url')))
        return { kind: 'bad', why: 'signature' };
      return { kind: 'manifest', manifest: document };
    },
  };
}

function openKey(file: string): KeyObject {
  try {
    return createPrivateKey(readFileSync(file));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const { privateKey } = generateKeyPairSync('ed25519');
  createWhole(file, Buffer.from(privateKey.export({ type: 'pkcs8', format: 'pem' })));
  // Of two makers one wins: what lies there counts.
  return createPrivateKey(readFileSync(file));
}

function bytesOf(document: BackupManifest): Buffer {
  return Buffer.from(canonicalJson(document as unknown as Json));
}
