// Reads what lies at a path as it lies there: no link is followed, nothing but files and folders is opened, sizes are bounded.
import { type BigIntStats, constants } from 'node:fs';
import { type FileHandle, lstat, open, readdir, readlink } from 'node:fs/promises';
import { dirname, isAbsolute, join, normalize } from 'node:path';
import { StateUnfit } from './named-state.ts';

export interface TreeLimits {
  /** Of all files together. */
  maxBytes: number;
  maxFiles: number;
}

export type TreeEntry =
  | { kind: 'file'; path: string; mode: number; size: number }
  | { kind: 'folder'; path: string; mode: number }
  | { kind: 'link'; path: string; target: string };

/** Permission bits alone: what is restored never runs as somebody else. */
const modeOf = (stat: BigIntStats) => Number(stat.mode & 0o777n);

/** Every entry of a folder by its path below it, parents first, in the order of their names. Throws StateUnfit. */
export async function listTree(root: string, limits: TreeLimits): Promise<TreeEntry[]> {
  const entries: TreeEntry[] = [];
  let bytes = 0;
  const visit = async (folder: string): Promise<void> => {
    const names = await readdir(join(root, folder)).catch(unreadable);
    for (const name of names.sort()) {
      const path = folder === '' ? name : `${folder}/${name}`;
      if (entries.length >= limits.maxFiles) throw new StateUnfit('too-many-files');
      const stat = await statOf(join(root, path));
      if (stat.isSymbolicLink()) {
        const target = await readlink(join(root, path)).catch(unreadable);
        if (leadsOut(path, target)) throw new StateUnfit('link-outside');
        entries.push({ kind: 'link', path, target });
      } else if (stat.isDirectory()) {
        entries.push({ kind: 'folder', path, mode: modeOf(stat) });
        await visit(path);
      } else if (stat.isFile()) {
        bytes += Number(stat.size);
        if (bytes > limits.maxBytes) throw new StateUnfit('too-large');
        entries.push({ kind: 'file', path, mode: modeOf(stat), size: Number(stat.size) });
      } else throw new StateUnfit('not-a-file');
    }
  };
  await visit('');
  return entries;
}

/** Whether a link at `path`, both below one folder, leads out of that folder. */
export function leadsOut(path: string, target: string): boolean {
  if (isAbsolute(target)) return true;
  const reached = normalize(join(dirname(path), target));
  return reached === '..' || reached.startsWith('../');
}

/** What lies there, itself; throws StateUnfit. */
export async function statOf(file: string): Promise<BigIntStats> {
  return lstat(file, { bigint: true }).catch(unreadable);
}

/** Throws StateUnfit unless it is an ordinary file, or an ordinary folder for a state that is one. */
export async function mustBe(kind: 'file' | 'directory', path: string, limits: TreeLimits): Promise<BigIntStats> {
  const stat = await statOf(path);
  if (stat.isSymbolicLink()) throw new StateUnfit('symlink');
  if (kind === 'file' && !stat.isFile()) throw new StateUnfit('not-a-file');
  if (kind === 'directory' && !stat.isDirectory()) throw new StateUnfit('not-a-directory');
  // The size that a sparse file claims counts: that is what whoever reads it would have to hold.
  if (kind === 'file' && stat.size > BigInt(limits.maxBytes)) throw new StateUnfit('too-large');
  return stat;
}

/**
 * Hands over the bytes of an ordinary file piece by piece. Throws StateUnfit `changing` when it was written to
 * meanwhile: bytes of two moments are a state that never was.
 */
export async function readSteadily(
  file: string,
  maxBytes: number,
  piece: (bytes: Buffer) => Promise<void> | void,
): Promise<{ mode: number }> {
  // A named pipe under the file's name must not hold the reader up, nor a link lead it elsewhere.
  const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(unreadable);
  try {
    const before = await handle.stat({ bigint: true });
    if (!before.isFile()) throw new StateUnfit('not-a-file');
    // Said before a gigabyte of it was copied.
    if (before.size > BigInt(maxBytes)) throw new StateUnfit('too-large');
    await pour(handle, maxBytes, piece);
    const after = await handle.stat({ bigint: true });
    if (before.size !== after.size || before.mtimeNs !== after.mtimeNs) throw new StateUnfit('changing');
    return { mode: modeOf(before) };
  } finally {
    await handle.close();
  }
}

async function pour(handle: FileHandle, maxBytes: number, piece: (bytes: Buffer) => Promise<void> | void) {
  const buffer = Buffer.allocUnsafe(1_048_576);
  for (let total = 0; ; ) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, null).catch(unreadable);
    if (bytesRead === 0) return;
    total += bytesRead;
    if (total > maxBytes) throw new StateUnfit('too-large');
    await piece(buffer.subarray(0, bytesRead));
  }
}

function unreadable(error: unknown): never {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'ENOTDIR') throw new StateUnfit('missing', error);
  if (code === 'ELOOP') throw new StateUnfit('symlink', error);
  throw new StateUnfit('unreadable', error);
}
