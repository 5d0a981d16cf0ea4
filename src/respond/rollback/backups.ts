// Backups of named states: taken, verified by laying them out and reading them, listed, chosen from, and cleared away.
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { createWhole } from '../../platform/base/create-whole.ts';
import { checkState } from './check-state.ts';
import { type NamedState, StateUnfit, type UnfitReason } from './named-state.ts';
import { createObjects } from './objects.ts';
import { adopted, ownCopies } from './own-copies.ts';
import type { TreeLimits } from './read-tree.ts';
import { kept, type Retention } from './retention.ts';
import { type BackupManifest, type backupCauses, openManifestKey } from './signed-manifest.ts';
import { bytesOf, digestOf, layOut, takeSnapshot } from './snapshot.ts';
import { syncFolder } from './sync-folder.ts';

export interface BackupSettings extends Retention {
  limits: TreeLimits;
  /** Older ones are not restored. */
  maxAgeMs: number;
}

export const defaultBackups: BackupSettings = {
  limits: { maxBytes: 1_073_741_824, maxFiles: 10_000 },
  maxAgeMs: 7 * 86_400_000,
  keep: 10,
  keepDays: 8,
};

export interface BackupParts {
  states: readonly NamedState[];
  /** The data directory: key and scratch place lie there. */
  data: string;
  now: () => number;
  settings?: BackupSettings;
}

export type Taken = { kind: 'taken'; manifest: BackupManifest } | { kind: 'skipped'; why: UnfitReason };

/** A manifest that cannot be believed has no facts but its file's name. */
export type ListedBackup =
  | { kind: 'backup'; id: string; manifest: BackupManifest }
  | { kind: 'bad'; id: string; why: UnfitReason };

export interface SkippedBackup {
  id: string;
  why: UnfitReason;
}

export type Choice =
  | { kind: 'backup'; manifest: BackupManifest; skipped: readonly SkippedBackup[] }
  | { kind: 'none'; skipped: readonly SkippedBackup[] };

export interface Backups {
  states: readonly NamedState[];
  settings: BackupSettings;
  /** A state that is not valid itself is not backed up: it would only push good ones out. */
  take(state: NamedState, cause: (typeof backupCauses)[number]): Promise<Taken>;
  /** Newest first. */
  list(state: NamedState): Promise<ListedBackup[]>;
  /** Lays it out in a scratch place and reads it; null when it is good. */
  verify(state: NamedState, manifest: BackupManifest): Promise<UnfitReason | null>;
  /** The newest that is valid, young enough and older than `before`, with what was passed over. */
  choose(state: NamedState, facts?: { before?: number | null }): Promise<Choice>;
  find(state: NamedState, id: string): Promise<BackupManifest | null>;
  /** Writes the backup to a new file or folder. Throws StateUnfit. */
  layOut(state: NamedState, manifest: BackupManifest, to: string): Promise<void>;
}

export function createBackups({ states, data, now, settings = defaultBackups }: BackupParts): Backups {
  const objectsOf = (state: NamedState) => createObjects(join(state.backups, 'objects'));
  const manifestsOf = (state: NamedState) => join(state.backups, 'manifests');
  let opened: ReturnType<typeof openManifestKey> | undefined;
  const key = () => {
    opened ??= openManifestKey(join(data, 'backups.key.pem'));
    return opened;
  };

  async function inScratch<T>(work: (dir: string) => Promise<T>): Promise<T> {
    const dir = join(data, 'scratch', `backup-${process.pid}-${randomBytes(4).toString('hex')}`);
    await mkdir(dir, { recursive: true, mode: 0o700 });
    try {
      return await work(dir);
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  }

  const verify = (state: NamedState, { entries, digest, format }: BackupManifest): Promise<UnfitReason | null> =>
    reasonOf(() =>
      inScratch(async (dir) => {
        if (digestOf(entries) !== digest || format !== state.format) throw new StateUnfit('manifest');
        const place = join(dir, 'state');
        await layOut(entries, objectsOf(state), place);
        await checkState(state, settings.limits, place);
      }),
    );

  async function list(state: NamedState): Promise<ListedBackup[]> {
    const folder = manifestsOf(state);
    const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.json'));
    const read = names.map(async (name): Promise<ListedBackup> => {
      const id = name.slice(0, -'.json'.length);
      const text = await readFile(join(folder, name), 'utf8').catch(() => '');
      const found = key().read(text);
      if (found.kind === 'bad') return { kind: 'bad', id, why: found.why };
      const { manifest } = found;
      // Well signed, but for another state or under another name: put there by hand.
      if (manifest.state !== state.name || manifest.id !== id) return { kind: 'bad', id, why: 'manifest' };
      return { kind: 'backup', id, manifest };
    });
    return (await Promise.all(read)).sort((a, b) => (a.id < b.id ? 1 : -1));
  }

  /** Copies of people's own that are not known yet are signed once their checksum is right; the others are told of. */
  async function adopt(state: NamedState, before: number | null): Promise<SkippedBackup[]> {
    const left: SkippedBackup[] = [];
    const known = new Set((await list(state)).flatMap((one) => (one.kind === 'backup' ? [one.manifest.digest] : [])));
    for (const copy of await ownCopies(state)) {
      try {
        if (before !== null && copy.placedAt >= before) throw new StateUnfit('after-evidence');
        const manifest = await adopted(state, copy, objectsOf(state), settings.limits);
        const why = known.has(manifest.digest) ? null : await verify(state, manifest);
        if (why !== null) left.push({ id: basename(copy.file), why });
        else if (!known.has(manifest.digest)) await write(state, manifest);
        known.add(manifest.digest);
      } catch (error) {
        if (!(error instanceof StateUnfit)) throw error;
        left.push({ id: basename(copy.file), why: error.why });
      }
    }
    return left;
  }

  async function write(state: NamedState, manifest: BackupManifest): Promise<void> {
    const folder = manifestsOf(state);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    createWhole(join(folder, `${manifest.id}.json`), Buffer.from(key().sign(manifest)));
    syncFolder(folder);
  }

  async function takeNow(state: NamedState, cause: BackupManifest['cause']): Promise<BackupManifest> {
    await checkState(state, settings.limits);
    const entries = await inScratch((dir) => takeSnapshot(state, objectsOf(state), settings.limits, dir));
    const at = new Date(now()).toISOString();
    const digest = digestOf(entries);
    const manifest: BackupManifest = {
      schema: 'rempart/backup@1',
      id: `${at.replaceAll(/[-:.]/g, '')}-${digest.slice(0, 6)}${randomBytes(2).toString('hex')}`,
      state: state.name,
      format: state.format,
      takenAt: at,
      cause,
      digest,
      bytes: bytesOf(entries),
      verifiedAt: at,
      entries,
    };
    const wrong = await verify(state, manifest);
    if (wrong !== null) throw new StateUnfit(wrong);
    await write(state, manifest);
    return manifest;
  }

  async function prune(state: NamedState): Promise<void> {
    const listed = await list(state);
    const good = listed.flatMap((one) => (one.kind === 'backup' ? [one.manifest] : []));
    const staying = kept(good, settings, now());
    const goes = good.filter(({ id }) => !staying.has(id));
    if (goes.length === 0) return;
    const isValid = async (manifest: BackupManifest) =>
      agedOut(manifest, null) !== 'from-future' && (await verify(state, manifest)) === null;
    const safe = await firstOf(
      good.filter(({ id }) => staying.has(id)),
      isValid,
    );
    // None of those that stay can be restored: then the newest of the others that can be stays as well.
    const spared = safe ?? (await firstOf(goes, isValid));
    const gone = goes.filter(({ id }) => id !== spared?.id);
    for (const { id } of gone) await rm(join(manifestsOf(state), `${id}.json`), { force: true });
    // What a manifest that cannot be read would need is not known, so nothing is thrown away then.
    if (listed.some((one) => one.kind === 'bad')) return;
    const used = new Set(
      good
        .filter(({ id }) => !gone.some((one) => one.id === id))
        .flatMap(({ entries }) => entries.flatMap((entry) => (entry.kind === 'file' ? [entry.sha256] : []))),
    );
    const objects = objectsOf(state);
    for (const sha256 of await objects.all()) if (!used.has(sha256)) await objects.remove(sha256);
  }

  const inTurn = createTurns();
  return {
    states,
    settings,
    take: (state, cause) =>
      inTurn(state.name, async () => {
        for (let attempt = 1; ; attempt++)
          try {
            const manifest = await takeNow(state, cause);
            await prune(state);
            return { kind: 'taken', manifest };
          } catch (error) {
            if (!(error instanceof StateUnfit)) throw error;
            // Whoever writes to it may be done a moment later.
            if (error.why !== 'changing' || attempt === 3) return { kind: 'skipped', why: error.why };
          }
      }),
    list,
    verify,
    async choose(state, { before = null } = {}) {
      const skipped: SkippedBackup[] = [];
      const newest = async (mayTake: (cause: BackupManifest['cause'] | undefined) => boolean) => {
        for (const one of await list(state)) {
          if (!mayTake(one.kind === 'backup' ? one.manifest.cause : undefined)) continue;
          const why =
            one.kind === 'bad' ? one.why : (agedOut(one.manifest, before) ?? (await verify(state, one.manifest)));
          if (why === null && one.kind === 'backup') return one.manifest;
          if (why !== null) skipped.push({ id: one.id, why });
        }
        return undefined;
      };
      const own = await newest((cause) => cause !== 'adopted');
      if (own !== undefined) return { kind: 'backup', manifest: own, skipped };
      // Whoever may write to the folder may have put a copy and its checksum there: ours come first.
      skipped.push(...(await adopt(state, before)));
      const copy = await newest((cause) => cause === 'adopted');
      return copy === undefined ? { kind: 'none', skipped } : { kind: 'backup', manifest: copy, skipped };
    },
    async find(state, id) {
      const found = (await list(state)).find((one) => one.id === id);
      return found?.kind === 'backup' ? found.manifest : null;
    },
    layOut: (state, { entries }, to) => layOut(entries, objectsOf(state), to),
  };

  function agedOut({ takenAt }: BackupManifest, before: number | null): UnfitReason | null {
    const time = Date.parse(takenAt);
    if (time > now() + 60_000) return 'from-future';
    if (time < now() - settings.maxAgeMs) return 'too-old';
    return before !== null && time >= before ? 'after-evidence' : null;
  }
}

async function reasonOf(work: () => Promise<void>): Promise<UnfitReason | null> {
  try {
    await work();
    return null;
  } catch (error) {
    if (error instanceof StateUnfit) return error.why;
    throw error;
  }
}

async function firstOf<T>(list: readonly T[], fits: (one: T) => Promise<boolean>): Promise<T | undefined> {
  for (const one of list) if (await fits(one)) return one;
  return undefined;
}

/** One after the other for one name; side by side for several. */
function createTurns(): <T>(name: string, work: () => Promise<T>) => Promise<T> {
  const last = new Map<string, Promise<unknown>>();
  return (name, work) => {
    const next = (last.get(name) ?? Promise.resolve()).then(work, work);
    last.set(
      name,
      next.catch(() => undefined),
    );
    return next;
  };
}
