// A whole store verified against the trusted list: manifests first, then the bytes of every layer, each file once.
import { join } from 'node:path';
import { compareStore, type Pair } from './compare.ts';
import type { Finding } from './finding.ts';
import { openHashCache } from './hash-cache.ts';
import {
  type Blob,
  blobFindings,
  type Hashing,
  hashBlobs,
  isRemote,
  type LayerOptions,
  noHashing,
  placeBlobs,
} from './layers.ts';
import { type FileIdentity, identify, readStore, realStore, type Store, type StoredModel, sameFile } from './store.ts';
import { type ListFiles, type ReadList, readList } from './trusted-list.ts';

export interface VerifiedModel {
  key: string;
  shown: string;
  /** Every layer was hashed, in the state that its file has now, and nothing was found. */
  state: 'verified' | 'unhashed' | 'refused';
  stored: StoredModel;
  /** The files as they were; while they are so, what was found holds. */
  files: readonly { path: string; stat: FileIdentity }[];
}

export interface Verification {
  store: Store;
  list: ReadList;
  findings: readonly Finding[];
  models: readonly VerifiedModel[];
  hashing: Hashing;
}

/** A download that is going on may exchange a manifest, and take its layers away, while they are read. */
const maxLooks = 3;

/** Throws ERR_MODELS_STORE, also when the store goes away meanwhile. Everything else is a finding. */
export async function verifyStore(folder: string, files: ListFiles, options: LayerOptions): Promise<Verification> {
  for (let look = 1; ; look++) {
    const verification = await lookOnce(folder, files, options);
    // Throws when there is no store any more: its models are not each missing.
    if (verification.findings.length > 0) await realStore(folder);
    if (look === maxLooks || !(await hasMoved(verification))) return verification;
  }
}

/** Whether a manifest is no longer the file that was read, so that what was found of its layers may not hold. */
async function hasMoved({ store, findings }: Verification): Promise<boolean> {
  const doubtful = new Set(findings.filter(({ what }) => what.startsWith('blob-')).map(({ model }) => model));
  for (const { shown, path, stat } of store.models) {
    if (!doubtful.has(shown)) continue;
    const now = await identify(join(store.root, path));
    if (now === undefined || !sameFile(now, stat)) return true;
  }
  return false;
}

async function lookOnce(folder: string, files: ListFiles, options: LayerOptions): Promise<Verification> {
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
  const present = pairs.map(({ stored }) => stored);
  const blobs = await placeBlobs(store.root, present);
  const hashing = await hashBlobs(store.root, [...blobs.values()], present, cache, options);
  const models: VerifiedModel[] = unknown.map((stored) => refused(stored));
  for (const pair of pairs) {
    const own = blobFindings(pair.stored, blobs);
    findings.push(...own);
    models.push(verifiedModel(pair, blobs, findings));
  }
  return { store, list, findings, models: models.toSorted((a, b) => (a.key < b.key ? -1 : 1)), hashing };
}

function refused(stored: StoredModel): VerifiedModel {
  return { key: stored.key, shown: stored.shown, state: 'refused', stored, files: [] };
}

function isAltered({ trusted, stored }: Pair): boolean {
  return trusted.manifest !== stored.manifest.digest;
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
