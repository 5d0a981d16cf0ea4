// Copies of a state that people or their scripts made, in the folder that the profile names: good for a rollback once a checksum beside them says what they were.
import { readdir, readFile } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { type NamedState, StateUnfit, type UnfitReason } from './named-state.ts';
import type { Objects } from './objects.ts';
import { mustBe, statOf, type TreeLimits } from './read-tree.ts';
import type { BackupManifest } from './signed-manifest.ts';
import { digestOf } from './snapshot.ts';

export interface OwnCopy {
  file: string;
  /** As the file says, which anybody who may write it can set. */
  takenAt: number;
  /** When it was last written or renamed: only the system sets that. */
  placedAt: number;
  checksum: string | null;
}

/** Files that are named after the state's own, newest first; what `sha256sum` wrote beside one, or in SHA256SUMS, vouches for it. */
export async function ownCopies(state: NamedState): Promise<OwnCopy[]> {
  const { copies } = state;
  if (copies === undefined || state.format === 'directory') return [];
  const ending = extname(state.path);
  const stem = basename(state.path, ending);
  const names = (await readdir(copies).catch(() => [])).filter(
    (name) => name.startsWith(stem) && !name.endsWith('.sha256') && (ending === '' || name.includes(ending)),
  );
  const found = names.map(async (name): Promise<OwnCopy[]> => {
    const file = join(copies, name);
    const stat = await statOf(file).catch(() => undefined);
    if (stat === undefined || !stat.isFile()) return [];
    return [
      { file, takenAt: Number(stat.mtimeMs), placedAt: Number(stat.ctimeMs), checksum: await checksumOf(copies, name) },
    ];
  });
  return (await Promise.all(found)).flat().sort((a, b) => b.takenAt - a.takenAt);
}

async function checksumOf(folder: string, name: string): Promise<string | null> {
  const lists = await Promise.all(
    [`${name}.sha256`, 'SHA256SUMS'].map((list) => readFile(join(folder, list), 'utf8').catch(() => '')),
  );
  for (const line of lists.flatMap((list) => list.split('\n'))) {
    const [, hash, file] = /^\\?([0-9a-f]{64})(?:[ \t]+[ *]?(.+))?$/.exec(line.trim()) ?? [];
    if (hash !== undefined && (file === undefined || basename(file) === name)) return hash;
  }
  return null;
}

/** Taken into the store as it is; throws StateUnfit when its bytes are not those that the checksum is of. */
export async function adopted(
  state: NamedState,
  { file, takenAt, checksum }: OwnCopy,
  objects: Objects,
  limits: TreeLimits,
): Promise<BackupManifest> {
  if (checksum === null) throw new StateUnfit('no-checksum' satisfies UnfitReason);
  await mustBe('file', file, limits);
  const { sha256, size, mode } = await objects.put(file, limits.maxBytes);
  if (sha256 !== checksum) throw new StateUnfit('checksum');
  const entries = [{ kind: 'file' as const, path: '', mode, size, sha256 }];
  const at = new Date(takenAt).toISOString();
  const digest = digestOf(entries);
  return {
    schema: 'rempart/backup@1',
    id: `${at.replaceAll(/[-:.]/g, '')}-${digest.slice(0, 6)}copy`,
    state: state.name,
    format: state.format,
    takenAt: at,
    cause: 'adopted',
    digest,
    bytes: size,
    verifiedAt: at,
    entries,
  };
}
