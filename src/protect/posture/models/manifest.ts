// Reads a model's manifest: which blobs it is made of. What it says is checked and never used as a path before that.
import { createHash } from 'node:crypto';
import type { LayerKind } from '../../../platform/documents/models.ts';

export interface Layer {
  kind: LayerKind;
  mediaType: string;
  /** sha256:… in small letters. */
  digest: string;
  size: number;
  /** What Ollama notes of where it came from, and a tensor's name. */
  from?: string;
  name?: string;
}

export interface Manifest {
  /** SHA-256 of the file's bytes, in hex: what Ollama's API calls the model's digest. */
  digest: string;
  size: number;
  /** The configuration first, then the layers in their order. */
  layers: readonly Layer[];
}

export type BadManifest = 'too-large' | 'not-json' | 'not-a-manifest' | 'bad-digest' | 'duplicate-key';

export type ReadManifest = { kind: 'manifest'; manifest: Manifest } | { kind: 'bad'; why: BadManifest };

/** A model split into thousands of tensors stays far below this. */
export const maxManifestBytes = 8_388_608;
const maxLayers = 50_000;

const kinds: Readonly<Record<string, LayerKind>> = {
  model: 'weights',
  projector: 'projector',
  adapter: 'adapter',
  template: 'template',
  system: 'system',
  params: 'params',
  messages: 'messages',
  license: 'license',
  prompt: 'prompt',
  tensor: 'tensor',
  draft: 'draft',
  json: 'json',
  embed: 'embed',
};

export function readManifest(bytes: Buffer): ReadManifest {
  if (bytes.length > maxManifestBytes) return bad('too-large');
  let root: unknown;
  try {
    root = JSON.parse(bytes.toString('utf8'));
  } catch {
    return bad('not-json');
  }
  if (!isObject(root)) return bad('not-a-manifest');
  // Go finds a field whatever its case, and lets the last one win: who reads otherwise reads another manifest.
  if (hasTwin(root) || (isObject(root['config']) && hasTwin(root['config']))) return bad('duplicate-key');
  const { config, layers } = root;
  if (!isObject(config) || !(Array.isArray(layers) || layers === null || layers === undefined))
    return bad('not-a-manifest');
  const given: unknown[] = [config, ...(layers ?? [])];
  if (given.length > maxLayers) return bad('not-a-manifest');
  const read: Layer[] = [];
  for (const [index, entry] of given.entries()) {
    if (!isObject(entry)) return bad('not-a-manifest');
    if (hasTwin(entry)) return bad('duplicate-key');
    const layer = readLayer(entry, index === 0);
    if (typeof layer === 'string') return bad(layer);
    read.push(layer);
  }
  const digest = createHash('sha256').update(bytes).digest('hex');
  return { kind: 'manifest', manifest: { digest, size: bytes.length, layers: read } };
}

function readLayer(entry: Record<string, unknown>, isConfig: boolean): Layer | BadManifest {
  const { mediaType, digest, size, from, name } = entry;
  if (typeof digest !== 'string' || !/^sha256[:-][0-9a-f]{64}$/i.test(digest)) return 'bad-digest';
  if (typeof mediaType !== 'string' || !Number.isSafeInteger(size) || (size as number) < 0) return 'not-a-manifest';
  return {
    kind: isConfig ? 'config' : kindOf(mediaType),
    mediaType,
    digest: `sha256:${digest.slice(7).toLowerCase()}`,
    size: size as number,
    ...(typeof from === 'string' && from !== '' ? { from } : {}),
    ...(typeof name === 'string' && name !== '' ? { name } : {}),
  };
}

function kindOf(mediaType: string): LayerKind {
  const [, kind = ''] = /^application\/vnd\.ollama\.image\.([a-z]+)$/.exec(mediaType) ?? [];
  return Object.hasOwn(kinds, kind) ? kinds[kind]! : 'other';
}

/** The same key twice cannot be seen here any more; the same in another case can. */
function hasTwin(object: Record<string, unknown>): boolean {
  const keys = Object.keys(object);
  return new Set(keys.map((key) => key.toLowerCase())).size !== keys.length || keys.some((key) => isForeign(key));
}

const known = new Set(['schemaversion', 'mediatype', 'config', 'layers', 'digest', 'size', 'from', 'name']);

/** A known key in another spelling: Go takes it for the known one. */
function isForeign(key: string): boolean {
  const small = key.toLowerCase();
  return known.has(small) && key !== small && key !== 'schemaVersion' && key !== 'mediaType';
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function bad(why: BadManifest): ReadManifest {
  return { kind: 'bad', why };
}
