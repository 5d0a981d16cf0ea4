// The document rempart/models@1: what was found in a model store, and what was done about it.
import { z } from 'zod';

export const layerKinds = [
  'config',
  'weights',
  'projector',
  'adapter',
  'template',
  'system',
  'params',
  'messages',
  'license',
  'prompt',
  'tensor',
  'draft',
  'json',
  'embed',
  'other',
] as const;
export type LayerKind = (typeof layerKinds)[number];

export const modelFindingKinds = [
  'list-missing',
  'list-unreadable',
  'list-signature',
  'list-key',
  'list-older',
  'blob-altered',
  'blob-missing',
  'blob-unreadable',
  'layer-changed',
  'layer-added',
  'layer-removed',
  'manifest-changed',
  'manifest-unreadable',
  'symlink-outside',
  'model-unknown',
  'model-alias',
  'model-missing',
  'model-remote',
  'not-a-model',
  'source-not-allowed',
  'api-differs',
  'publisher-differs',
  'loaded-differs',
  'version-vulnerable',
] as const;
export type ModelFindingKind = (typeof modelFindingKinds)[number];

export const modelFindingSchema = z.strictObject({
  what: z.enum(modelFindingKinds),
  severity: z.enum(['low', 'medium', 'high', 'critical']),
  /** As Ollama lists it; null where it is about the list or the server. */
  model: z.string().nullable(),
  layer: z.enum(layerKinds).nullable(),
  /** Below the store's folder. */
  path: z.string().nullable(),
  expected: z.string().nullable(),
  found: z.string().nullable(),
  /** A name, a reason or a list of identifiers that the sentence needs. */
  detail: z.string().nullable(),
  /** The sentence, in the language asked for. */
  message: z.string(),
});
export type ModelFindingDocument = z.output<typeof modelFindingSchema>;

const shownLayer = z.strictObject({ kind: z.enum(layerKinds), digest: z.string(), size: z.number() });

const moved = z.strictObject({ from: z.string(), to: z.string(), sha256: z.string().nullable() });

export const modelsSchema = z.strictObject({
  schema: z.literal('rempart/models@1'),
  action: z.enum(['trust', 'verify', 'quarantine', 'restore']),
  store: z.string(),
  checkedAt: z.string(),
  /** manifests: what is cheap. changed: also every file that changed since it was hashed. full: every byte. */
  depth: z.enum(['manifests', 'changed', 'full']),
  list: z.strictObject({
    state: z.enum(['valid', 'missing', 'bad']),
    revision: z.number().nullable(),
    signedAt: z.string().nullable(),
    signature: z.string().nullable(),
    models: z.number(),
  }),
  models: z.array(
    z.strictObject({
      name: z.string(),
      /** verified: every layer was hashed and is as trusted. unhashed: nothing found, not every layer hashed yet. */
      state: z.enum(['verified', 'unhashed', 'refused']),
      digest: z.string().nullable(),
      /** `same` only when each digest was compared with the publisher's manifest. */
      source: z.enum(['same', 'not-compared']).nullable(),
      layers: z.array(shownLayer),
    }),
  ),
  findings: z.array(modelFindingSchema),
  hashing: z.strictObject({
    files: z.number(),
    cached: z.number(),
    bytes: z.number(),
    seconds: z.number(),
    megabytesPerSecond: z.number().nullable(),
  }),
  quarantine: z
    .strictObject({
      folder: z.string(),
      moved: z.array(moved),
      kept: z.array(z.strictObject({ path: z.string(), models: z.array(z.string()) })),
      /** Other models that named a blob that was moved. */
      affected: z.array(z.string()),
    })
    .optional(),
  restored: z
    .strictObject({ model: z.string(), files: z.array(z.string()), replaced: z.string().nullable() })
    .optional(),
});
export type ModelsDocument = z.output<typeof modelsSchema>;
