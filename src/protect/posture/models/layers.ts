// The files behind the layers of models: where they lie, what their bytes come to, and what is wrong with them.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Finding } from './finding.ts';
import type { HashCache } from './hash-cache.ts';
import { type HashOptions, hashFiles } from './hash-pool.ts';
import type { Layer } from './manifest.ts';
import { type BlobPlace, behindFolder, findBlob, findInside, type StoredModel } from './store.ts';

/** manifests: also every small layer, and what changed since it was hashed. changed: what is not hashed yet. full: all. */
export type Depth = 'manifests' | 'changed' | 'full';

export interface Hashing {
  files: number;
  cached: number;
  bytes: number;
  seconds: number;
}

export const noHashing: Hashing = { files: 0, cached: 0, bytes: 0, seconds: 0 };

export interface LayerOptions extends HashOptions {
  depth: Depth;
  /** Only these models are hashed; all manifests are looked at. */
  only?: (key: string) => boolean;
  /** Told before the first byte is read. */
  onPlan?: (bytes: number) => void;
}

/** A template, a system prompt or the parameters: hashed at once, since it costs no more than to look at them. */
const smallBytes = 1_048_576;

/** What is known of one digest's file. */
export interface Blob {
  digest: string;
  size: number;
  place: BlobPlace;
  /** Of its bytes; undefined while they were not read. */
  sha256?: string;
  /** When reading them began, in milliseconds since the epoch. */
  readFrom?: number;
  unreadable?: string;
}

const atOnce = 64;

export async function placeBlobs(root: string, models: readonly StoredModel[]): Promise<Map<string, Blob>> {
  const sizes = new Map<string, number>();
  for (const { digest, size } of models.flatMap(({ manifest }) => manifest.layers))
    if (!sizes.has(digest)) sizes.set(digest, size);
  const folder = await behindFolder(root);
  const blobs = new Map<string, Blob>();
  const all = [...sizes];
  // Side by side, as many as the file system's threads can take.
  for (let at = 0; at < all.length; at += atOnce)
    for (const blob of await Promise.all(
      all.slice(at, at + atOnce).map(async ([digest, size]) => {
        const place = folder ?? (await findInside(root, digest.slice('sha256:'.length)));
        return { digest, size, place };
      }),
    ))
      blobs.set(blob.digest, blob);
  return blobs;
}

export async function hashBlobs(
  root: string,
  blobs: readonly Blob[],
  models: readonly StoredModel[],
  cache: HashCache | undefined,
  { depth, only, onPlan, ...options }: LayerOptions,
): Promise<Hashing> {
  const asked = new Set(
    models
      .filter(({ key }) => only?.(key) ?? true)
      .flatMap(({ manifest }) => manifest.layers.map(({ digest }) => digest)),
  );
  const hashing = { ...noHashing };
  const wanted: (Blob & { place: Extract<BlobPlace, { kind: 'file' }> })[] = [];
  for (const blob of blobs) {
    const { place, digest } = blob;
    if (place.kind !== 'file' || !asked.has(digest)) continue;
    const known = depth === 'full' ? undefined : cache?.find(place.path, place.stat);
    if (known !== undefined) {
      blob.sha256 = known;
      hashing.cached++;
    } else if (depth !== 'manifests' || place.stat.size <= smallBytes || cache?.changed(place.path, place.stat))
      wanted.push(blob as (typeof wanted)[number]);
  }
  onPlan?.(wanted.reduce((sum, { place }) => sum + place.stat.size, 0));
  const readFrom = Date.now();
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
    blob.readFrom = readFrom;
    blob.place = { ...blob.place, stat: result.stat };
    cache?.keep(blob.place.path, result.stat, result.sha256, readFrom);
    hashing.files++;
    hashing.bytes += result.bytes;
  }
  hashing.seconds = (performance.now() - began) / 1_000;
  cache?.save();
  return hashing;
}

export function blobFindings(stored: StoredModel, blobs: ReadonlyMap<string, Blob>): Finding[] {
  const findings: Finding[] = [];
  const seen = new Set<string>();
  for (const { kind: layer, digest: expected, size } of stored.manifest.layers) {
    const blob = blobs.get(expected);
    if (blob === undefined || seen.has(`${layer} ${expected}`)) continue;
    seen.add(`${layer} ${expected}`);
    const about = { model: stored.shown, layer, expected };
    const { place, sha256, unreadable } = blob;
    // It went away between the look at the folder and the reading of its bytes.
    if (place.kind === 'missing' || unreadable === 'ENOENT')
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
