// Vouches for models: reads every byte of them, compares them with the server and the publisher where asked, and signs.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RempartError } from '../../../platform/base/errors.ts';
import { covers } from './compare.ts';
import type { Finding } from './finding.ts';
import { openHashCache } from './hash-cache.ts';
import { type Blob, blobFindings, type Hashing, hashBlobs, isRemote, type LayerOptions, placeBlobs } from './layers.ts';
import { isCloudName, nameKey, parseModelName } from './name.ts';
import type { Fetch, OllamaApi, Served } from './ollama-api.ts';
import { comparePublisher } from './publisher.ts';
import { isAllowed } from './sources.ts';
import { findBlob, readStore, type Store, type StoredModel } from './store.ts';
import {
  type ListFiles,
  type PublisherState,
  readList,
  type TrustedList,
  type TrustedModel,
  writeList,
} from './trusted-list.ts';

export interface TrustOptions extends Omit<LayerOptions, 'depth' | 'only'> {
  /** As given by a user; undefined: all models of the store, and no others. */
  names?: readonly string[] | undefined;
  sources: readonly string[];
  api?: OllamaApi | undefined;
  /** With it, each publisher is asked. */
  registry?: Fetch | undefined;
  now: () => number;
}

export interface Trusted {
  store: Store;
  /** Undefined when something was found: then nothing was signed. */
  list: TrustedList | undefined;
  findings: Finding[];
  hashing: Hashing;
  chosen: readonly StoredModel[];
}

/** Throws ERR_MODELS_STORE, ERR_MODELS_UNKNOWN, ERR_MODELS_API, ERR_MODELS_LIST. */
export async function trustModels(folder: string, files: ListFiles, options: TrustOptions): Promise<Trusted> {
  const { names, sources, api, registry, now } = options;
  const store = await readStore(folder);
  const chosen = names === undefined ? store.models : names.map((name) => findModel(store, name));
  const findings = names === undefined ? storeFindings(store) : [];
  const tags = await api?.tags();
  const models: TrustedModel[] = [];
  const blobs = await placeBlobs(store.root, chosen);
  const hashing = await hashBlobs(store.root, [...blobs.values()], chosen, undefined, { ...options, depth: 'full' });
  for (const stored of chosen) {
    const own = [...sourceFindings(stored, sources), ...blobFindings(stored, blobs)];
    if (isCloudName(stored.name) || (await isRemote(store.root, stored.manifest.layers)))
      own.push({ what: 'model-remote', model: stored.shown, path: stored.path });
    const served = await againstApi(store.root, stored, api, tags);
    const published: { state: PublisherState; findings: Finding[] } =
      registry === undefined || own.length > 0
        ? { state: { state: 'not-compared', why: 'not-asked' }, findings: [] }
        : await comparePublisher(stored, registry, now());
    findings.push(...own, ...served.findings, ...published.findings);
    models.push(trustedModel(stored, now(), served.state, published.state));
  }
  // An empty list would call every model that comes later unknown, and is never what somebody wants.
  if (findings.length > 0 || chosen.length === 0) return { store, list: undefined, findings, hashing, chosen };
  const list = writeList(files, {
    signedAt: now(),
    sources: [...sources],
    models: names === undefined ? models : merged(files, models),
  });
  keepHashes(files, store, list, blobs);
  return { store, list, findings, hashing, chosen };
}

/** The one model of the store that a user means. Throws ERR_MODELS_UNKNOWN. */
export function findModel(store: Store, name: string): StoredModel {
  const parsed = parseModelName(name);
  const found = parsed && store.models.find(({ key }) => key === nameKey(parsed));
  if (found === undefined)
    throw new RempartError('ERR_MODELS_UNKNOWN', { model: name, place: { key: 'models.place.store' } });
  return found;
}

function trustedModel(
  { key, shown, manifest }: StoredModel,
  trustedAt: number,
  api: TrustedModel['api'],
  publisher: PublisherState,
): TrustedModel {
  return {
    key,
    shown,
    manifest: manifest.digest,
    layers: manifest.layers.map((layer) => ({ ...layer })),
    trustedAt,
    api,
    publisher,
  };
}

/** Who vouches for a whole store vouches for what cannot be read in it too, and nobody can. */
function storeFindings(store: Store): Finding[] {
  const broken = store.problems.map(({ kind, path, shown, ...more }): Finding => {
    const detail = 'target' in more ? more.target : 'why' in more ? more.why : '';
    return { what: kind, model: shown, path, detail };
  });
  const twins = store.models.filter(({ key, path }) =>
    store.models.some((other) => other.key === key && other.path < path),
  );
  return [
    ...broken,
    ...twins.map(({ shown, path }): Finding => ({ what: 'model-alias', model: shown, path, detail: shown })),
  ];
}

function sourceFindings({ name, shown, path }: StoredModel, sources: readonly string[]): Finding[] {
  if (isAllowed(name, sources)) return [];
  return [{ what: 'source-not-allowed', model: shown, path, detail: `${name.host}/${name.namespace}` }];
}

async function againstApi(
  root: string,
  stored: StoredModel,
  api: OllamaApi | undefined,
  tags: readonly Served[] | undefined,
): Promise<{ state: TrustedModel['api']; findings: Finding[] }> {
  const served = tags?.find(({ key }) => key === stored.key);
  if (api === undefined || served === undefined) return { state: 'not-compared', findings: [] };
  const { shown: model, manifest } = stored;
  const about = { what: 'api-differs', model } as const;
  if (served.digest !== manifest.digest)
    return {
      state: 'same',
      findings: [{ ...about, detail: 'digest', expected: manifest.digest, found: served.digest }],
    };
  const shown = await api.show(served.shown);
  const findings: Finding[] = [];
  for (const layer of ['template', 'system'] as const) {
    const digest = manifest.layers.find(({ kind }) => kind === layer)?.digest;
    const place = digest === undefined ? undefined : await findBlob(root, digest);
    if (place?.kind !== 'file' || shown[layer] === undefined || place.stat.size > 4_194_304) continue;
    const text = await readFile(join(root, place.path), 'utf8');
    if (text.trim() !== shown[layer].trim())
      findings.push({ ...about, layer, detail: layer, expected: `${text.length}`, found: `${shown[layer].length}` });
  }
  return { state: 'same', findings };
}

/** The models of the current list, with the new ones in their place. A list that cannot be believed is no ground to build on. */
function merged(files: ListFiles, models: readonly TrustedModel[]): TrustedModel[] {
  const read = readList(files);
  if (read.kind === 'bad')
    throw new RempartError('ERR_MODELS_LIST', { what: { key: `models.finding.list-${read.why}` } });
  const before = read.kind === 'list' ? read.list.models : [];
  const all = new Map([...before, ...models].map((model) => [model.key, model]));
  return [...all.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
}

function keepHashes(files: ListFiles, store: Store, list: TrustedList, blobs: ReadonlyMap<string, Blob>): void {
  const cache = openHashCache(files, store.root, list.signature);
  for (const { place, sha256, readFrom = 0 } of blobs.values()) {
    if (place.kind === 'file' && sha256 !== undefined) cache.keep(place.path, place.stat, sha256, readFrom);
  }
  cache.save();
}

/** Whether a name of the store that cannot be read is the one that a user means. */
export function problemOf(store: Store, name: string): Store['problems'][number] | undefined {
  const parsed = parseModelName(name);
  return parsed && store.problems.find((problem) => covers(problem, nameKey(parsed)));
}
