// A state as a list of entries whose bytes lie in the content-addressed store, and laid out again from it.
import { createHash } from 'node:crypto';
import { chmod, mkdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { canonicalJson } from '../../platform/base/json.ts';
import { onSqliteThread } from './check-state.ts';
import { type NamedState, StateUnfit } from './named-state.ts';
import type { Objects } from './objects.ts';
import { leadsOut, listTree, mustBe, type TreeLimits } from './read-tree.ts';
import { syncFolder } from './sync-folder.ts';

/** Below the state; the empty path is the state itself. Whoever wrote the manifest cannot make it lead elsewhere. */
const path = z.string().refine((given) => given === '' || isBelow(given));
const mode = z.int().min(0).max(0o777);

export const snapshotEntry = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('file'),
    path,
    mode,
    size: z.int().min(0),
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
  }),
  z.strictObject({ kind: z.literal('folder'), path, mode }),
  z.strictObject({ kind: z.literal('link'), path, target: z.string() }),
]);
export type SnapshotEntry = z.output<typeof snapshotEntry>;

function isBelow(given: string): boolean {
  const parts = given.split('/');
  return !given.includes('\0') && !given.includes('\\') && parts.every((part) => !['', '.', '..'].includes(part));
}

/** Takes what the state is now into the store. Throws StateUnfit. `scratch`: a folder of its own, for a database's copy. */
export async function takeSnapshot(
  state: NamedState,
  objects: Objects,
  limits: TreeLimits,
  scratch: string,
): Promise<SnapshotEntry[]> {
  if (state.format === 'directory') return takeFolder(state.path, objects, limits);
  const stat = await mustBe('file', state.path, limits);
  let from = state.path;
  if (state.format === 'sqlite') {
    from = join(scratch, 'copy.sqlite');
    // What lies in the write-ahead log belongs to it: only SQLite itself puts the two together.
    if (!(await onSqliteThread({ do: 'copy', from: state.path, to: from })).ok) throw new StateUnfit('damaged');
  }
  const { sha256, size } = await objects.put(from, limits.maxBytes);
  return [{ kind: 'file', path: '', mode: Number(stat.mode & 0o777n), size, sha256 }];
}

async function takeFolder(root: string, objects: Objects, limits: TreeLimits): Promise<SnapshotEntry[]> {
  const stat = await mustBe('directory', root, limits);
  const entries: SnapshotEntry[] = [{ kind: 'folder', path: '', mode: Number(stat.mode & 0o777n) }];
  for (const entry of await listTree(root, limits)) {
    if (entry.kind !== 'file') entries.push(entry);
    else
      entries.push({ ...(await objects.put(join(root, entry.path), limits.maxBytes)), kind: 'file', path: entry.path });
  }
  return entries;
}

/** Writes a new file or folder at `to`, every byte checked and synced. Throws StateUnfit. */
export async function layOut(entries: readonly SnapshotEntry[], objects: Objects, to: string): Promise<void> {
  const folders = entries.filter((entry) => entry.kind === 'folder');
  try {
    for (const entry of entries) {
      const place = entry.path === '' ? to : join(to, entry.path);
      if (entry.kind === 'folder') await mkdir(place, { mode: 0o700 });
      else if (entry.kind === 'file') await objects.copy(entry.sha256, place, entry.mode);
      else if (leadsOut(entry.path, entry.target)) throw new StateUnfit('link-outside');
      else await symlink(entry.target, place);
    }
    // Deepest first: a folder that may not be written to can only become so once it is full.
    for (const { path: below, mode: bits } of folders.toReversed()) {
      const place = below === '' ? to : join(to, below);
      syncFolder(place);
      await chmod(place, bits);
    }
  } catch (error) {
    await rm(to, { recursive: true, force: true });
    throw error;
  }
}

/** One hash for all of it: the same for the same content, wherever it lies. */
export function digestOf(entries: readonly SnapshotEntry[]): string {
  return createHash('sha256')
    .update(canonicalJson([...entries]))
    .digest('hex');
}

export function bytesOf(entries: readonly SnapshotEntry[]): number {
  return entries.reduce((sum, entry) => sum + (entry.kind === 'file' ? entry.size : 0), 0);
}
