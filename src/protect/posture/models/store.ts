// An Ollama model store as it lies on disk: which models its manifests name, and where their blobs are. Reads only.
import { type BigIntStats, constants, existsSync } from 'node:fs';
import { lstat, open, readdir, readlink, realpath, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import { RempartError } from '../../../platform/base/errors.ts';
import { type BadManifest, type Manifest, maxManifestBytes, readManifest } from './manifest.ts';
import { type ModelName, modelName, nameKey, shownName } from './name.ts';

export interface StoredModel {
  name: ModelName;
  /** Two names with one key are one name to Ollama. */
  key: string;
  shown: string;
  /** Below the store's folder, with slashes. */
  path: string;
  /** Identity of the manifest's file when it was read. */
  stat: FileIdentity;
  manifest: Manifest;
}

export type StoreProblem =
  | { kind: 'symlink-outside'; path: string; target: string; shown: string }
  | { kind: 'manifest-unreadable'; path: string; why: BadManifest | 'not-a-file' | 'denied'; shown: string }
  | { kind: 'not-a-model'; path: string; shown: string };

export interface Store {
  root: string;
  models: readonly StoredModel[];
  problems: readonly StoreProblem[];
}

/** What changes when a file is written, replaced or touched; the change time cannot be set back by ordinary means. */
export interface FileIdentity {
  dev: string;
  ino: string;
  size: number;
  mtimeNs: string;
  ctimeNs: string;
}

export type BlobPlace =
  | { kind: 'file'; path: string; stat: FileIdentity }
  | { kind: 'missing' }
  | { kind: 'symlink-outside'; path: string; target: string }
  | { kind: 'not-a-file'; path: string };

/** The folder of the store: the one given, else Ollama's own setting, else where Ollama keeps it. */
export function storeFolder(given: string | undefined, env: Readonly<Record<string, string | undefined>>): string {
  const wanted = given ?? env['OLLAMA_MODELS'];
  if (wanted !== undefined && wanted !== '') return resolve(wanted);
  const usual = join(env['HOME'] ?? homedir(), '.ollama', 'models');
  const service = '/usr/share/ollama/.ollama/models';
  return !existsSync(usual) && existsSync(service) ? service : usual;
}

/** Where the store lies: a link to it is followed, since people keep large files elsewhere. Throws ERR_MODELS_STORE. */
export async function realStore(folder: string): Promise<string> {
  try {
    const root = await realpath(folder);
    await readdir(root);
    return root;
  } catch (error) {
    throw new RempartError('ERR_MODELS_STORE', { dir: folder, cause: codeOf(error) }, error);
  }
}

/** Throws ERR_MODELS_STORE when there is no folder to read. */
export async function readStore(folder: string): Promise<Store> {
  const root = await realStore(folder);
  const reading: Reading = { root, waits: 0, models: [], problems: [] };
  const elsewhere = existsSync(join(root, 'manifests'))
    ? await outsideTarget(root, join(root, 'manifests'))
    : undefined;
  if (elsewhere === undefined) await walk(reading, []);
  else reading.problems.push({ kind: 'symlink-outside', path: 'manifests', target: elsewhere, shown: '*' });
  reading.models.sort((a, b) => (a.path < b.path ? -1 : 1));
  reading.problems.sort((a, b) => (a.path < b.path ? -1 : 1));
  const { models, problems } = reading;
  return { root, models, problems };
}

interface Reading {
  root: string;
  /** How often a manifest that was just being written was waited for. */
  waits: number;
  models: StoredModel[];
  problems: StoreProblem[];
}

/** Four levels, no more: host, namespace, model, tag. */
async function walk(reading: Reading, parts: readonly string[]): Promise<void> {
  const folder = join(reading.root, 'manifests', ...parts);
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (error) {
    const code = codeOf(error);
    if (parts.length === 0 && code === 'ENOENT') return;
    reading.problems.push(unreadable(parts, 'denied'));
    return;
  }
  for (const name of names.sort()) await visit(reading, [...parts, name]);
}

async function visit(reading: Reading, parts: readonly string[]): Promise<void> {
  const file = join(reading.root, 'manifests', ...parts);
  const path = ['manifests', ...parts].join('/');
  const shown = shownParts(parts);
  const stat = await lstat(file, { bigint: true }).catch(() => undefined);
  // It went away while the store was being read.
  if (stat === undefined) return;
  if (stat.isSymbolicLink()) {
    const target = await outsideTarget(reading.root, file);
    if (target !== undefined) {
      reading.problems.push({ kind: 'symlink-outside', path, target, shown });
      return;
    }
  }
  const followed = await behindLink(file, stat);
  if (followed === undefined) return;
  if (parts.length < 4) {
    if (followed.isDirectory()) await walk(reading, parts);
    else if (!isLitter(parts)) reading.problems.push({ kind: 'not-a-model', path, shown });
    return;
  }
  if (!followed.isFile()) {
    reading.problems.push({ kind: 'manifest-unreadable', path, why: 'not-a-file', shown });
    return;
  }
  const [host = '', namespace = '', model = '', tag = ''] = parts;
  const name = modelName(host, namespace, model, tag);
  if (name === undefined) {
    if (!isLitter(parts)) reading.problems.push({ kind: 'not-a-model', path, shown });
    return;
  }
  const read = await readSettled(file, followed, reading);
  if (read.kind === 'bad') reading.problems.push({ kind: 'manifest-unreadable', path, why: read.why, shown });
  else
    reading.models.push({
      name,
      key: nameKey(name),
      shown: shownName(name),
      path,
      stat: read.stat,
      manifest: read.manifest,
    });
}

/** What file managers leave behind; Ollama passes over it too. */
function isLitter(parts: readonly string[]): boolean {
  return ['.DS_Store', 'Thumbs.db', 'desktop.ini'].includes(parts.at(-1) ?? '');
}

/** What a link inside the store leads to, or the file itself; undefined when it has gone meanwhile. */
async function behindLink(file: string, stat: BigIntStats): Promise<BigIntStats | undefined> {
  if (!stat.isSymbolicLink()) return stat;
  return realpath(file)
    .then((real) => lstat(real, { bigint: true }))
    .catch(() => undefined);
}

const writtenWithinMs = 1_000;
const writingMs = 150;
const maxWaits = 8;

/** Ollama writes a manifest in place at the end of a download: one that is broken and a moment old is read once more. */
async function readSettled(file: string, stat: BigIntStats, reading: Reading) {
  const read = await readManifestFile(file);
  const age = Date.now() - Number(stat.mtimeMs);
  if (read.kind !== 'bad' || Math.abs(age) > writtenWithinMs || reading.waits >= maxWaits) return read;
  reading.waits++;
  await new Promise((resolve) => setTimeout(resolve, writingMs));
  return readManifestFile(file);
}

async function readManifestFile(
  file: string,
): Promise<
  { kind: 'manifest'; manifest: Manifest; stat: FileIdentity } | { kind: 'bad'; why: BadManifest | 'denied' }
> {
  try {
    // A named pipe under a manifest's name must not hold the reader up.
    const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stat = await handle.stat({ bigint: true });
      if (stat.size > BigInt(maxManifestBytes)) return { kind: 'bad', why: 'too-large' };
      const read = readManifest(await handle.readFile());
      return read.kind === 'bad' ? read : { ...read, stat: identityOf(stat) };
    } finally {
      await handle.close();
    }
  } catch {
    return { kind: 'bad', why: 'denied' };
  }
}

/** Where a layer's bytes lie. The digest was checked when the manifest was read, so it names a file of the folder. */
export async function findBlob(root: string, digest: string): Promise<BlobPlace> {
  const hex = digest.slice('sha256:'.length);
  const folder = await behindFolder(root);
  if (folder !== undefined) return folder;
  return findInside(root, hex);
}

/** Set when the folder of all blobs leads out of the store: then each of them does. */
export async function behindFolder(root: string): Promise<BlobPlace | undefined> {
  const folder = join(root, 'blobs');
  const target = existsSync(folder) ? await outsideTarget(root, folder) : undefined;
  return target === undefined ? undefined : { kind: 'symlink-outside', path: 'blobs', target };
}

/** As findBlob(), in a folder that was looked at already: one call for a file that is no link. */
export async function findInside(root: string, hex: string): Promise<BlobPlace> {
  for (const name of [`sha256-${hex}`, `sha256:${hex}`]) {
    const path = `blobs/${name}`;
    const file = join(root, 'blobs', name);
    const stat = await lstat(file, { bigint: true }).catch(() => undefined);
    if (stat === undefined) continue;
    const target = stat.isSymbolicLink() ? await outsideTarget(root, file) : undefined;
    if (target !== undefined) return { kind: 'symlink-outside', path, target };
    const followed = await behindLink(file, stat);
    if (followed === undefined) continue;
    return followed.isFile() ? { kind: 'file', path, stat: identityOf(followed) } : { kind: 'not-a-file', path };
  }
  return { kind: 'missing' };
}

/** The target of a link that leads out of the store, or nowhere; undefined when all of the path stays inside. */
async function outsideTarget(root: string, file: string): Promise<string | undefined> {
  try {
    const real = await realpath(file);
    const below = relative(root, real);
    return below === '..' || below.startsWith(`..${sep}`) || isAbsolute(below) ? real : undefined;
  } catch {
    return readlink(file).catch(() => '?');
  }
}

export function identityOf(stat: { dev: bigint; ino: bigint; size: bigint; mtimeNs: bigint; ctimeNs: bigint }) {
  const { dev, ino, size, mtimeNs, ctimeNs } = stat;
  return {
    dev: String(dev),
    ino: String(ino),
    size: Number(size),
    mtimeNs: String(mtimeNs),
    ctimeNs: String(ctimeNs),
  } satisfies FileIdentity;
}

/** Undefined for what is not there. */
export async function identify(file: string): Promise<FileIdentity | undefined> {
  return stat(file, { bigint: true }).then(identityOf, () => undefined);
}

export function sameFile(a: FileIdentity, b: FileIdentity): boolean {
  return a.ino === b.ino && a.dev === b.dev && a.size === b.size && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs;
}

function unreadable(parts: readonly string[], why: 'denied'): StoreProblem {
  return { kind: 'manifest-unreadable', path: ['manifests', ...parts].join('/'), why, shown: shownParts(parts) };
}

/** The model or models that a path below manifests/ stands for. */
function shownParts([host = '', namespace, model, tag]: readonly string[]): string {
  if (namespace === undefined || model === undefined)
    return [host, namespace, '*'].filter((p) => p !== undefined).join('/');
  return shownName({ host, namespace, model, tag: tag ?? '*' });
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown';
}
