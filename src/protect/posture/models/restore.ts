// Puts a trusted model back from a clean copy of the store: verified before anything is changed, verified after, undone if it fails.
import { randomBytes } from 'node:crypto';
import { copyFile, lstat, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { RempartError } from '../../../platform/base/errors.ts';
import { phraseOf } from './finding.ts';
import { hashFiles } from './hash-pool.ts';
import { blobFindings, hashBlobs, type LayerOptions, placeBlobs } from './layers.ts';
import { nameKey, parseModelName } from './name.ts';
import { quarantineFolder } from './quarantine.ts';
import { syncFolder } from './signed-file.ts';
import { findBlob, readStore, type StoredModel } from './store.ts';
import type { ListFiles, TrustedModel } from './trusted-list.ts';
import { readList } from './trusted-list.ts';
import { type Verification, verifyStore } from './verify-store.ts';

export interface RestoreOptions extends Omit<LayerOptions, 'depth' | 'only'> {
  from: string;
  now: number;
}

export interface Restored {
  model: string;
  /** Paths below the store's folder that were written. */
  files: readonly string[];
  /** Absolute folder that keeps what was in their place; null when nothing was. */
  replaced: string | null;
  verification: Verification;
}

/** Throws ERR_MODELS_STORE, ERR_MODELS_NO_LIST, ERR_MODELS_LIST, ERR_MODELS_UNKNOWN, ERR_MODELS_BACKUP, ERR_MODELS_RESTORE. */
export async function restoreModel(
  folder: string,
  files: ListFiles,
  name: string,
  options: RestoreOptions,
): Promise<Restored> {
  const { from, now, ...hashing } = options;
  const trusted = trustedModel(files, name);
  const backup = await cleanCopy(from, trusted, name, hashing);
  const { root } = await readStore(folder);
  const wanted = await missingOrBad(folder, files, root, trusted, backup, hashing);
  if (wanted.length === 0) {
    const verification = await verifyStore(folder, files, { ...hashing, depth: 'changed' });
    return { model: trusted.shown, files: [], replaced: null, verification };
  }
  const aside = `${quarantineFolder}/${new Date(now).toISOString().replaceAll(/[:.]/g, '-')}-replaced-${randomBytes(2).toString('hex')}`;
  const undo: (() => Promise<void>)[] = [];
  try {
    const replaced = await putBack(root, wanted, aside, undo);
    const verification = await verifyStore(folder, files, { ...hashing, depth: 'changed' });
    const state = verification.models.find(({ key }) => key === trusted.key)?.state;
    if (state !== 'verified') throw Object.assign(new Error('not verified'), { code: 'ERR_MODEL_UNVERIFIED' });
    return {
      model: trusted.shown,
      files: wanted.map(({ to }) => to),
      replaced: replaced ? join(root, aside) : null,
      verification,
    };
  } catch (error) {
    for (const step of undo.reverse()) await step();
    await rm(join(root, aside), { recursive: true, force: true });
    throw new RempartError('ERR_MODELS_RESTORE', { cause: (error as NodeJS.ErrnoException).code ?? 'unknown' }, error);
  }
}

function trustedModel(files: ListFiles, name: string): TrustedModel {
  const read = readList(files);
  if (read.kind === 'missing') throw new RempartError('ERR_MODELS_NO_LIST');
  if (read.kind === 'bad')
    throw new RempartError('ERR_MODELS_LIST', { what: { key: `models.finding.list-${read.why}` } });
  const parsed = parseModelName(name);
  const found = parsed && read.list.models.find(({ key }) => key === nameKey(parsed));
  if (found === undefined)
    throw new RempartError('ERR_MODELS_UNKNOWN', { model: name, place: { key: 'models.place.list' } });
  return found;
}

/** The model in the backup, once every byte of it was read and is as trusted. */
async function cleanCopy(
  from: string,
  trusted: TrustedModel,
  name: string,
  hashing: Omit<LayerOptions, 'depth' | 'only'>,
): Promise<{ root: string; stored: StoredModel }> {
  const backup = await readStore(from);
  const candidates = backup.models.filter(({ key }) => key === trusted.key);
  if (candidates.length === 0)
    throw new RempartError('ERR_MODELS_UNKNOWN', { model: name, place: { key: 'models.place.backup' } });
  const stored = candidates.find(({ manifest }) => manifest.digest === trusted.manifest);
  if (stored === undefined) {
    const what = {
      key: 'models.finding.manifest-changed',
      facts: {
        model: trusted.shown,
        expected: trusted.manifest.slice(0, 12),
        found: candidates[0]!.manifest.digest.slice(0, 12),
      },
    } as const;
    throw new RempartError('ERR_MODELS_BACKUP', { what });
  }
  const blobs = await placeBlobs(backup.root, [stored]);
  await hashBlobs(backup.root, [...blobs.values()], [stored], undefined, { ...hashing, depth: 'full' });
  const [wrong] = blobFindings(stored, blobs);
  if (wrong !== undefined) throw new RempartError('ERR_MODELS_BACKUP', { what: phraseOf(wrong) });
  return { root: backup.root, stored };
}

interface Wanted {
  /** Absolute, in the backup. */
  from: string;
  /** Below the store's folder. */
  to: string;
  sha256: string;
}

/** What the store lacks or has altered; the manifest last, so that Ollama never sees half a model. */
async function missingOrBad(
  folder: string,
  files: ListFiles,
  root: string,
  trusted: TrustedModel,
  backup: { root: string; stored: StoredModel },
  hashing: Omit<LayerOptions, 'depth' | 'only'>,
): Promise<Wanted[]> {
  const here = backup.stored;
  const blobs = await placeBlobs(root, [here]);
  await hashBlobs(root, [...blobs.values()], [here], undefined, { ...hashing, depth: 'full' });
  const bad = new Set(blobFindings(here, blobs).map(({ expected }) => expected));
  const wanted: Wanted[] = [];
  for (const digest of new Set(trusted.layers.map((layer) => layer.digest))) {
    if (!bad.has(digest)) continue;
    const source = await findBlob(backup.root, digest);
    if (source.kind !== 'file') continue;
    const place = blobs.get(digest)?.place;
    const to = place !== undefined && 'path' in place ? place.path : `blobs/${digest.replace(':', '-')}`;
    wanted.push({ from: join(backup.root, source.path), to, sha256: digest.slice(7) });
  }
  const verification = await verifyStore(folder, files, { ...hashing, depth: 'manifests', only: () => false });
  const now = verification.store.models.find(
    ({ key, manifest }) => key === trusted.key && manifest.digest === trusted.manifest,
  );
  if (now === undefined) {
    const occupied = verification.store.models.find(({ key }) => key === trusted.key);
    wanted.push({
      from: join(backup.root, backup.stored.path),
      to: occupied?.path ?? backup.stored.path,
      sha256: trusted.manifest,
    });
  }
  return wanted;
}

/** Copies beside its place, hashes the copy, moves the old one aside, then takes its place. True when something was in a place. */
async function putBack(
  root: string,
  wanted: readonly Wanted[],
  aside: string,
  undo: (() => Promise<void>)[],
): Promise<boolean> {
  let replaced = false;
  for (const { from, to, sha256 } of wanted) {
    const place = join(root, to);
    // A name that Ollama takes for a download that is not finished.
    const draft = join(root, 'blobs', `sha256-${sha256}-partial-rempart`);
    await mkdir(dirname(place), { recursive: true });
    await mkdir(dirname(draft), { recursive: true });
    undo.push(() => rm(draft, { force: true }));
    await copyFile(from, draft);
    await sync(draft);
    const [copied] = await hashFiles([{ file: draft, size: (await lstat(draft)).size }], { threads: 1 });
    if (copied?.kind !== 'hashed' || copied.sha256 !== sha256) throw Object.assign(new Error('copy'), { code: 'EIO' });
    if (await exists(place)) {
      const kept = join(root, aside, to);
      await mkdir(dirname(kept), { recursive: true, mode: 0o700 });
      await rename(place, kept);
      undo.push(() => rename(kept, place));
      replaced = true;
    }
    await rename(draft, place);
    undo.push(() => rm(place, { force: true }));
    syncFolder(dirname(place));
  }
  return replaced;
}

async function exists(file: string): Promise<boolean> {
  return lstat(file).then(
    () => true,
    () => false,
  );
}

async function sync(file: string): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
