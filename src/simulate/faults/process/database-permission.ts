// The database's file made unwritable even for root and for open handles: the immutable attribute, where the file system has it.
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';

export interface PermissionUndo {
  kind: 'permission';
  file: string;
  paths: string[];
}

/**
 * The undo entry, before anything is done. The -shm is left out: it is mapped memory, and a write to a mapped page of an
 * immutable file kills the writer (SIGBUS), which no withdrawn right would.
 */
export function planPermission(file: string): PermissionUndo {
  return { kind: 'permission', file, paths: [file, `${file}-wal`].filter((path) => existsSync(path)) };
}

/** True when the attribute could be set; false where the file system or the user's rights do not allow it. */
export function removePermission(undo: PermissionUndo): boolean {
  return spawnSync('chattr', ['+i', ...undo.paths], { stdio: 'ignore' }).status === 0;
}

/** Why the database's file cannot be opened for writing; null when it can. SQLite's own probe would fall back to reading. */
export function writingRefused(file: string): string | null {
  try {
    closeSync(openSync(file, 'r+'));
    return null;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'refused';
  }
}

/** True when it was taken back, false when there was nothing to take back. Throws when a file stays unwritable. */
export function restorePermission(undo: PermissionUndo): boolean {
  const there = undo.paths.filter((path) => existsSync(path));
  if (there.length === 0) return false;
  if (spawnSync('chattr', ['-i', ...there], { stdio: 'ignore' }).status === 0) return true;
  // A file system without attributes refuses to take one back too; what can be opened for writing has none.
  for (const path of there) closeSync(openSync(path, 'r+'));
  return false;
}
