// SQLite made unusable under handles that are already open: the files are overwritten in place and later put back byte for byte.
// Renaming, unlinking or chmod do nothing to a process that holds the file.
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

export interface DatabaseUndo {
  kind: 'database';
  file: string;
  copies: { path: string; copy: string; sha256: string; size: number }[];
  /** The folder of the copies, removed once they are back. */
  folder: string;
}

const pageBytes = 4096;
const parts = ['', '-wal', '-shm', '-journal'];

/**
 * Copies db, -wal and -shm under a write lock, so that the three belong together. The lock is held until `release`,
 * which the caller calls after the files were overwritten: no commit can slip in between.
 */
export function copyDatabase(file: string, folder: string): { undo: DatabaseUndo; release: () => void } {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const db = new DatabaseSync(file, { timeout: 5000 });
  // To close any descriptor of a file drops all locks that this process has on it (fcntl(2)), SQLite's among them:
  // those of the copying stay open until the lock may go.
  const held: number[] = [];
  const close = () => {
    db.close();
    for (const fd of held) closeSync(fd);
  };
  try {
    db.exec('PRAGMA wal_checkpoint(PASSIVE)');
    db.exec('BEGIN IMMEDIATE');
    const copies = parts
      .map((part) => file + part)
      .filter((path) => existsSync(path))
      .map((path, index) => {
        const copy = join(folder, String(index));
        const fd = openSync(path, 'r');
        held.push(fd);
        const bytes = readFileSync(fd);
        writeFileSync(copy, bytes, { mode: 0o600 });
        syncFile(copy);
        return { path, copy, sha256: createHash('sha256').update(bytes).digest('hex'), size: bytes.length };
      });
    return {
      undo: { kind: 'database', file, copies, folder },
      release: () => {
        try {
          db.exec('ROLLBACK');
        } catch {
          // the file is garbage by now: there is nothing left to roll back
        }
        close();
      },
    };
  } catch (error) {
    close();
    throw error;
  }
}

/** Overwrites in place and keeps every size: a truncated -shm would kill (SIGBUS) whoever has it mapped. */
export function overwriteDatabase(undo: DatabaseUndo, how: 'stopped' | 'corrupted'): void {
  for (const { path, copy, size } of undo.copies) {
    const bytes = Buffer.alloc(size);
    if (path === undo.file) garbage(bytes, how, readFileSync(copy));
    writeInPlace(path, bytes, size);
  }
}

/**
 * stopped: nothing of a database is left. corrupted: the header still says SQLite, so that every statement meets
 * SQLITE_CORRUPT instead of NOTADB. Its change counter moves on: an open handle would else trust the pages in its cache,
 * and at the next commit even write them back.
 */
function garbage(bytes: Buffer, how: 'stopped' | 'corrupted', original: Buffer): void {
  bytes.fill('CORRUPTED DATA ');
  if (how === 'stopped' || original.length < 100) return;
  original.copy(bytes, 0, 0, 100);
  for (const counter of [24, 92]) bytes.writeUInt32BE((original.readUInt32BE(counter) + 1000) >>> 0, counter);
}

/** Puts the bytes back, the first page last: until then any opener is told that this is no database. True when there was something to do. */
export function restoreDatabase(undo: DatabaseUndo): boolean {
  if (!undo.copies.every(({ copy }) => existsSync(copy))) return false; // restored before; the folder went last
  const main = undo.copies.find(({ path }) => path === undo.file);
  for (const part of undo.copies) {
    if (part !== main) writeInPlace(part.path, readFileSync(part.copy), part.size);
  }
  if (main !== undefined) {
    const bytes = readFileSync(main.copy);
    writeInPlace(main.path, bytes.subarray(pageBytes), main.size, pageBytes);
    writeInPlace(main.path, bytes.subarray(0, pageBytes), main.size);
  }
  // A WAL that came into being while the database was unusable belongs to no database; a journal would even be played back into it.
  for (const part of ['-wal', '-shm', '-journal']) {
    const path = undo.file + part;
    if (!undo.copies.some((copy) => copy.path === path)) rmSync(path, { force: true });
  }
  rmSync(undo.folder, { recursive: true, force: true });
  return true;
}

/** Whether the bytes on disk are the copied ones; writes after a restore by the living target make it false, so ask at once. */
export function isRestored(undo: DatabaseUndo): boolean {
  return undo.copies.every(
    ({ path, sha256 }) => existsSync(path) && createHash('sha256').update(readFileSync(path)).digest('hex') === sha256,
  );
}

/** Whether a connection of its own can read the schema and write; `immutable` is not used, since locks count too. */
export function databaseAnswers(file: string): { ok: boolean; why: string } {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(file, { timeout: 200 });
    db.prepare('SELECT count(*) FROM sqlite_master').get();
    db.exec('BEGIN IMMEDIATE; ROLLBACK');
    return { ok: true, why: 'read and write work' };
  } catch (error) {
    const { errstr, code } = error as { errstr?: string; code?: string };
    return { ok: false, why: errstr ?? code ?? 'failed' };
  } finally {
    db?.close();
  }
}

function writeInPlace(path: string, bytes: Uint8Array, size: number, at = 0): void {
  const fd = openSync(path, existsSync(path) ? 'r+' : 'w+', 0o600);
  try {
    let offset = 0;
    while (offset < bytes.length) offset += writeSync(fd, bytes, offset, bytes.length - offset, at + offset);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  if (statSync(path).size > size && !path.endsWith('-shm')) truncateSync(path, size);
}

function syncFile(path: string): void {
  const fd = openSync(path, 'r+');
  fsyncSync(fd);
  closeSync(fd);
}
