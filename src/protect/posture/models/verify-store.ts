// A whole store verified against the trusted list: manifests first, then the bytes of every layer, each file once.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { compareStore, type Pair } from './compare.ts';
import type { Finding } from './finding.ts';
import { type HashCache, openHashCache } from './hash-cache.ts';
import { type HashOptions, hashFiles } from './hash-pool.ts';
import type { Layer } from './manifest.ts';
import { type BlobPlace, type FileIdentity, findBlob, readStore, type Store, type StoredModel } from './store.ts';
import { type ListFiles, type ReadList, readList } from './trusted-list.ts';

/** manifests: also every small layer, and what changed since it was hashed. changed: what is not hashed yet. full: all. */
export type Depth = 'manifests' | 'changed' | 'full';

export interface VerifiedModel {
  key: string;
  shown: string;
  /** Every layer was hashed, in the state that its file has now, and nothing was found. */
  state: 'verified' | 'unhashed' | 'refused';
  stored: StoredModel;
  /** The files as they were; while they are so, what was found holds. */
  files: readonly { path: string; stat: FileIdentity }[];
}

export interface Hashing {
  files: number;
  cached: number;
  bytes: number;
  seconds: number;
}

export interface Verification {
  store: Store;
  list: ReadList;
  findings: readonly Finding[];
  models: readonly VerifiedModel[];
  hashing: Hashing;
}

export interface VerifyOptions extends HashOptions {
  depth: Depth;
  /** Only these models are hashed; all manifests are looked at. */
  only?: (key: string) => boolean;
  /** Told before the first byte is read. */
  onPlan?: (bytes: number) => void;
}

/** A template, a system prompt or the parameters: hashed at once, since it costs no more than to look at them. */
const smallBytes = 1_048_576;

/** Throws ERR_MODELS_STORE. Everything else is a finding. */
export async function verifyStore(folder: string, files: ListFiles, options: VerifyOptions): Promise<Verification> {
  const store = await readStore(folder);
  const list = readList(files);
  if (list.kind !== 'list') {
    const what = list.kind === 'missing' ? 'list-missing' : (`list-${list.why}` as const);
    const models = store.models.map((stored) => refused(stored));
    return { store, list, findings: [{ what, model: null }], models, hashing: noHashing };
  }
  const { findings, pairs, unknown } = compareStore(store, list.list);
  for (const stored of [...unknown, ...pairs.filter(isAltered).map((pair) => pair.stored)]) {
    if (findings.some(({ what, model }) => what === 'model-remote' && model === stored.shown)) continue;
    if (await isRemote(store.root, stored.manifest.layers))
      findings.push({ what: 'model-remote', model: stored.shown, path: stored.path });
  }
  const cache = openHashCache(files, store.root, list.list.signature);
  const blobs = await placeBlobs(store.root, pairs);
  const hashing = await hashBlobs(store.root, [...blobs.values()], pairs, cache, options);
  const models: VerifiedModel[] = unknown.map((stored) => refused(stored));
  for (const pair of pairs) {
    const own = blobFindings(pair, blobs);
    findings.push(...own);
    models.push(verifiedModel(pair, blobs, findings));
  }
  return { store, list, findings, models: models.toSorted((a, b) => (a.key < b.key ? -1 : 1)), hashing };
}

const noHashing: Hashing = { files: 0, cached: 0, bytes: 0, seconds: 0 };

function refused(stored: StoredModel): VerifiedModel {
  return { key: stored.key, shown: stored.shown, state: 'refused', stored, files: [] };
}

function isAltered({ trusted, stored }: Pair): boolean {
  return trusted.manifest !== stored.manifest.digest;
}

/** What is known of one digest's file. */
interface Blob {
  digest: string;
  size: number;
  place: BlobPlace;
  /** Of its bytes; undefined while they were not read. */
  sha256?: string;
  unreadable?: string;
}

async function placeBlobs(root: string, pairs: readonly Pair[]): Promise<Map<string, Blob>> {
  const blobs = new Map<string, Blob>();
  for (const { digest, size } of pairs.flatMap(({ stored }) => stored.manifest.layers)) {
    if (!blobs.has(digest)) blobs.set(digest, { digest, size, place: await findBlob(root, digest) });
  }
  return blobs;
}

async function hashBlobs(
  root: string,
  blobs: readonly Blob[],
  pairs: readonly Pair[],
  cache: HashCache,
  { depth, only, onPlan, ...options }: VerifyOptions,
): Promise<Hashing> {
  const asked = new Set(
    pairs
      .filter(({ stored }) => only?.(stored.key) ?? true)
      .flatMap(({ stored }) => stored.manifest.layers.map((l) => l.digest)),
  );
  const hashing = { ...noHashing };
  const wanted: (Blob & { place: Extract<BlobPlace, { kind: 'file' }> })[] = [];
  for (const blob of blobs) {
    const { place, digest } = blob;
    if (place.kind !== 'file' || !asked.has(digest)) continue;
    const known = depth === 'full' ? undefined : cache.find(place.path, place.stat);
    if (known !== undefined) {
      blob.sha256 = known;
      hashing.cached++;
    } else if (depth !== 'manifests' || place.stat.size <= smallBytes || cache.changed(place.path, place.stat))
      wanted.push(blob as (typeof wanted)[number]);
  }
  onPlan?.(wanted.reduce((sum, { place }) => sum + place.stat.size, 0));
  const began = performance.now();
  const results = await hashFiles(
    wanted.map(({ place }) => ({ file: join(root, place.path), size: place.stat.size })),
    options,
  );
  for (const [index, result] of results.entries()) {
    const blob = wanted[index]!;
    if (result.kind === 'failed') {
      blob.unreadable = result.code;
      continue;
    }
    blob.sha256 = result.sha256;
    blob.place = { ...blob.place, stat: result.stat };
    cache.keep(blob.place.path, result.stat, result.sha256);
    hashing.files++;
    hashing.bytes += result.bytes;
  }
  hashing.seconds = (performance.now() - began) / 1_000;
  cache.save();
  return hashing;
}

function blobFindings({ stored }: Pair, blobs: ReadonlyMap<string, Blob>): Finding[] {
  const findings: Finding[] = [];
  const seen = new Set<string>();
  for (const { kind: layer, digest: expected, size } of stored.manifest.layers) {
    const blob = blobs.get(expected);
    if (blob === undefined || seen.has(`${layer} ${expected}`)) continue;
    seen.add(`${layer} ${expected}`);
    const about = { model: stored.shown, layer, expected };
    const { place, sha256, unreadable } = blob;
    if (place.kind === 'missing')
      findings.push({ ...about, what: 'blob-missing', path: `blobs/${expected.replace(':', '-')}` });
    else if (place.kind === 'symlink-outside')
      findings.push({ ...about, what: 'symlink-outside', path: place.path, detail: place.target });
    else if (place.kind === 'not-a-file' || unreadable !== undefined)
      findings.push({ ...about, what: 'blob-unreadable', path: place.path, detail: unreadable ?? 'not-a-file' });
    else if (sha256 !== undefined && `sha256:${sha256}` !== expected)
      findings.push({ ...about, what: 'blob-altered', path: place.path, found: `sha256:${sha256}` });
    else if (sha256 === undefined && place.stat.size !== size)
      findings.push({ ...about, what: 'blob-altered', path: place.path, found: `${place.stat.size} B` });
  }
  return findings;
}

function verifiedModel(
  { stored }: Pair,
  blobs: ReadonlyMap<string, Blob>,
  findings: readonly Finding[],
): VerifiedModel {
  const { key, shown } = stored;
  const layers = stored.manifest.layers.map(({ digest }) => blobs.get(digest)!);
  const files = [
    { path: stored.path, stat: stored.stat },
    ...layers.flatMap(({ place }) => (place.kind === 'file' ? [{ path: place.path, stat: place.stat }] : [])),
  ];
  // Another name in another case may be what Ollama finds first: then nobody knows which one answers.
  const found = findings.some(({ model }) => model !== null && model.toLowerCase() === shown.toLowerCase());
  const state = found ? 'refused' : layers.every(({ sha256 }) => sha256 !== undefined) ? 'verified' : 'unhashed';
  return { key, shown, state, stored, files };
}

/** Whether a model's configuration sends its prompts to another host. */
export async function isRemote(root: string, layers: readonly Layer[]): Promise<boolean> {
  const config = layers.find(({ kind }) => kind === 'config');
  const place = config === undefined ? undefined : await findBlob(root, config.digest);
  if (place?.kind !== 'file' || place.stat.size > smallBytes) return false;
  try {
    const read = JSON.parse(await readFile(join(root, place.path), 'utf8')) as unknown;
    return Object.entries(read ?? {}).some(([key, value]) => /^remote_(host|model)$/i.test(key) && Boolean(value));
  } catch {
    return false;
  }
}
