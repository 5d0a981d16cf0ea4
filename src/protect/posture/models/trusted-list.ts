// The signed list of trusted models: every layer of each, as it was when somebody vouched for it.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { RempartError } from '../../../platform/base/errors.ts';
import type { JsonObject } from '../../../platform/base/json.ts';
import { layerKinds } from '../../../platform/documents/models.ts';
import {
  openSigner,
  readSigned,
  readSigner,
  type Signer,
  signDocument,
  writeSigned,
  writeWhole,
} from './signed-file.ts';

const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/);

const layer = z.strictObject({
  kind: z.enum(layerKinds),
  mediaType: z.string(),
  digest,
  size: z.number().int().min(0),
  from: z.string().optional(),
  name: z.string().optional(),
});

/** same: each digest is the publisher's. not-compared: nobody asked, or the publisher could not be asked. */
const publisher = z.discriminatedUnion('state', [
  z.strictObject({ state: z.literal('same'), at: z.number() }),
  z.strictObject({ state: z.literal('not-compared'), why: z.enum(['not-asked', 'unreachable', 'not-published']) }),
]);

const trustedModel = z.strictObject({
  /** The one spelling of the name, in small letters. */
  key: z.string(),
  shown: z.string(),
  /** SHA-256 of the manifest's bytes, in hex. */
  manifest: z.string().regex(/^[0-9a-f]{64}$/),
  layers: z.array(layer),
  trustedAt: z.number(),
  api: z.enum(['same', 'not-compared']),
  publisher,
});
export type TrustedModel = z.output<typeof trustedModel>;
export type PublisherState = z.output<typeof publisher>;

export const listSchemaName = 'rempart/trusted-models@1';

const listDocument = z.strictObject({
  schema: z.literal(listSchemaName),
  /** One more with each list, so that an older one can be told from the current one. */
  revision: z.number().int().min(1),
  signedAt: z.number(),
  sources: z.array(z.string()),
  models: z.array(trustedModel),
});
export type TrustedDocument = z.output<typeof listDocument>;

export interface TrustedList extends TrustedDocument {
  signature: string;
}

export type ReadList =
  | { kind: 'list'; list: TrustedList }
  | { kind: 'missing' }
  | { kind: 'bad'; why: 'unreadable' | 'signature' | 'key' | 'older' };

export interface ListFiles {
  list: string;
  previous: string;
  key: string;
  /** The highest revision that was ever signed, signed too. */
  mark: string;
  cache: string;
}

export function listFiles(data: string): ListFiles {
  const dir = join(data, 'models');
  return {
    list: join(dir, 'trusted.json'),
    previous: join(dir, 'trusted.previous.json'),
    key: join(data, 'models.key.pem'),
    mark: join(dir, 'trusted.mark.json'),
    cache: join(dir, 'hashes.json'),
  };
}

const markSchema = 'rempart/trusted-mark@1';

/** Never throws: what is wrong with a list is an answer, and never "nothing to compare with". */
export function readList(files: ListFiles): ReadList {
  const signer = signerOf(files.key);
  const read = readSigned(files.list, listSchemaName, signer);
  if (read.kind === 'missing') return existsSync(files.mark) ? { kind: 'bad', why: 'older' } : read;
  if (read.kind === 'bad') return read;
  const parsed = listDocument.safeParse(read.signed.document);
  if (!parsed.success) return { kind: 'bad', why: 'unreadable' };
  const mark = readSigned(files.mark, markSchema, signer);
  const highest = mark.kind === 'signed' ? mark.signed.document['revision'] : undefined;
  // An older list is well signed too: put back by hand, it would trust again what no longer is.
  if (highest !== parsed.data.revision) return { kind: 'bad', why: 'older' };
  return { kind: 'list', list: { ...parsed.data, signature: read.signed.signature } };
}

/** Signs and writes; the list before is kept beside it. */
export function writeList(files: ListFiles, document: Omit<TrustedDocument, 'schema' | 'revision'>): TrustedList {
  const signer = openSigner(files.key);
  const mark = readSigned(files.mark, markSchema, signer);
  const before = mark.kind === 'signed' ? Number(mark.signed.document['revision']) : 0;
  const whole: TrustedDocument = { schema: listSchemaName, revision: before + 1, ...document };
  const signed = signDocument(JSON.parse(JSON.stringify(whole)) as JsonObject, signer);
  // One that was tampered with is no list to go back to.
  if (readList(files).kind === 'list') writeWhole(files.previous, readFileSync(files.list, 'utf8'));
  writeSigned(files.mark, signDocument({ schema: markSchema, revision: whole.revision }, signer));
  writeSigned(files.list, signed);
  return { ...whole, signature: signed.signature };
}

/** The list before the last one, signed anew as the current one. Throws ERR_MODELS_NO_LIST when there is none. */
export function undoList(files: ListFiles, now: number): TrustedList {
  const read = readSigned(files.previous, listSchemaName, signerOf(files.key));
  const parsed = read.kind === 'signed' ? listDocument.safeParse(read.signed.document) : undefined;
  if (parsed?.success !== true) throw new RempartError('ERR_MODELS_NO_LIST');
  return writeList(files, { signedAt: now, sources: parsed.data.sources, models: parsed.data.models });
}

function signerOf(file: string): Signer | undefined {
  try {
    return readSigner(file);
  } catch {
    return undefined;
  }
}
