// SQLite's own thread: one handle for queries, one read-only guard, and a fresh handle for every proof.
//
// SQLite checkpoints and unlinks the WAL when the last handle closes, also when the files hold garbage at that moment:
// committed rows would be gone when the right bytes come back (measured). The guard prevents it: while its shared lock
// stands no other handle is the last one, and being read-only it can never take the exclusive lock itself.
import { accessSync, closeSync, constants, mkdirSync, openSync, readSync, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';

export type ToSqlite =
  | { id: number; kind: 'open' | 'probe' | 'drop' | 'close' }
  | { id: number; kind: 'query'; epoch: number; sql: string; parameters: readonly unknown[] };

export interface SqliteAnswer {
  rows: unknown[];
  changes: number | bigint;
  insertId: number | bigint;
  epoch: number;
}

export type FromSqlite =
  | { id: number; ok: true; answer: SqliteAnswer }
  | { id: number; ok: false; code: string; errcode: number; message: string };

/** `errcode` of our own findings, beyond SQLite's list. */
export const ownCodes = { garbage: 26, missing: 9_001, unsettled: 9_002, staleHandle: 9_003 } as const;

const { path, busyMs } = workerData as { path: string; busyMs: number };
const probeBusyMs = 250;
const port = parentPort!;
let main: { db: DatabaseSync; inode: number } | null = null;
let guard: DatabaseSync | null = null;
let epoch = 0;
// Set once the files were found wrong: from then on a restore may be under way.
let suspicious = false;

port.on('message', (message: ToSqlite) => {
  try {
    port.postMessage({ id: message.id, ok: true, answer: handle(message) } satisfies FromSqlite);
  } catch (error) {
    const { code = 'ERR_SQLITE_ERROR', errcode = 1, message: text } = error as Failure;
    suspicious ||= [10, 11, 26].includes(errcode & 0xff) || errcode === ownCodes.missing;
    port.postMessage({ id: message.id, ok: false, code, errcode, message: text } satisfies FromSqlite);
  }
  if (message.kind === 'close') port.close();
});

type Failure = Error & { code?: string; errcode?: number };

function failure(errcode: number, message: string): Failure {
  return Object.assign(new Error(message), { errcode });
}

function handle(message: ToSqlite): SqliteAnswer {
  const nothing = { rows: [], changes: 0, insertId: 0 };
  if (message.kind === 'query') return query(message);
  if (message.kind === 'open') open();
  if (message.kind === 'probe') probe();
  if (message.kind === 'drop') drop();
  if (message.kind === 'close') close();
  return { ...nothing, epoch };
}

function query({ epoch: asked, sql, parameters }: Extract<ToSqlite, { kind: 'query' }>): SqliteAnswer {
  // A transaction that began on a handle given up since then must not go on outside of it on the new one.
  if (main === null || asked !== epoch) throw failure(ownCodes.staleHandle, 'the handle of this query is closed');
  const statement = main.db.prepare(sql);
  const values = parameters.map((value) => (typeof value === 'boolean' ? Number(value) : value)) as SQLInputValue[];
  if (statement.columns().length > 0) return { rows: statement.all(...values), changes: 0, insertId: 0, epoch };
  const { changes, lastInsertRowid } = statement.run(...values);
  return { rows: [], changes, insertId: lastInsertRowid, epoch };
}

function open(): void {
  drop();
  checkFiles();
  const settled = suspicious ? settledFiles() : null;
  if (guard === null) createPrivately();
  // An existing file gets its guard first: whatever the next handle finds, closing it again does no harm.
  const early = (stat(path)?.size ?? 0) > 0 ? openGuard() : null;
  let db: DatabaseSync | null = null;
  let next = early;
  try {
    db = connect(guard === null ? 'rwc' : 'rw', probeBusyMs);
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON');
    // What is deleted is overwritten: conversations are erased for good.
    db.exec('PRAGMA secure_delete = ON');
    prove(db, true);
    if (settled !== null && fingerprint() !== settled)
      throw failure(ownCodes.unsettled, 'the files are still changing');
    db.exec(`PRAGMA busy_timeout = ${busyMs}`);
    next ??= openGuard();
  } catch (error) {
    db?.close();
    next?.close();
    throw error;
  }
  guard?.close();
  guard = next;
  main = { db, inode: statSync(path).ino };
  epoch += 1;
  suspicious = false;
}

/** SQLite would make the file readable by all; -wal and -shm take their rights from it. */
function createPrivately(): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  if (stat(path) === null) closeSync(openSync(path, 'a', 0o600));
}

function openGuard(): DatabaseSync {
  const db = connect('ro', probeBusyMs);
  try {
    prove(db, false);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Renaming, deleting, chmod and overwriting go unnoticed by an open handle with a warm cache: a fresh one sees them. */
function probe(): void {
  if (main === null) throw failure(ownCodes.staleHandle, 'there is no open handle');
  checkFiles();
  if (statSync(path).ino !== main.inode) throw failure(ownCodes.missing, 'the database file was replaced');
  const inTransaction = main.db.isTransaction;
  main.db.prepare('SELECT count(*) FROM sqlite_schema').get();
  const db = connect('rw', probeBusyMs);
  try {
    // Our own open transaction would look like a lock held by someone else.
    prove(db, !inTransaction);
  } finally {
    db.close();
  }
}

function prove(db: DatabaseSync, write: boolean): void {
  db.prepare('SELECT count(*) FROM sqlite_schema').get();
  if (write) db.exec('BEGIN IMMEDIATE; ROLLBACK');
}

function drop(): void {
  main?.db.close();
  main = null;
}

/** The guard keeps SQLite from emptying the WAL by itself, so it is asked to: one file then holds everything, once it is proved sound. */
function close(): void {
  try {
    probe();
    main?.db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  } catch {
    // Away: the next open finds the WAL as it is.
  }
  drop();
  guard?.close();
  guard = null;
}

function connect(mode: 'ro' | 'rw' | 'rwc', timeout: number): DatabaseSync {
  const url = pathToFileURL(path);
  url.searchParams.set('mode', mode);
  return new DatabaseSync(url, { timeout });
}

/** Looks before SQLite does, since only looking is harmless when the bytes are garbage. */
function checkFiles(): void {
  const file = stat(path);
  if (file === null || file.size === 0) {
    if (guard !== null || (stat(`${path}-wal`)?.size ?? 0) > 0) throw failure(ownCodes.missing, 'the file is gone');
    return;
  }
  // SQLite uses descriptors again that it opened before the rights were taken away: its own open would not notice.
  accessSync(path, constants.R_OK | constants.W_OK);
  // Closing any descriptor of the database drops this process's locks on it (POSIX), so this is only for the first look.
  if (guard === null && !begins(path, Buffer.from('SQLite format 3\0'))) {
    throw failure(ownCodes.garbage, 'the file is not a database');
  }
  // Nobody locks the WAL itself. 0x377f0682 or …83, by byte order of its checksums.
  if ((stat(`${path}-wal`)?.size ?? 0) >= 32 && !begins(`${path}-wal`, Buffer.from([0x37, 0x7f, 0x06]))) {
    throw failure(ownCodes.garbage, 'the write-ahead log is not one');
  }
}

function begins(file: string, with_: Buffer): boolean {
  const fd = openSync(file, 'r');
  try {
    const head = Buffer.alloc(with_.length);
    readSync(fd, head, 0, head.length, 0);
    return head.equals(with_);
  } finally {
    closeSync(fd);
  }
}

/** A restore writes three files one after the other; in between a right database with a wrong WAL would lack its last rows. */
function settledFiles(): string {
  const before = fingerprint();
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
  if (fingerprint() !== before) throw failure(ownCodes.unsettled, 'the files are still changing');
  return before;
}

function fingerprint(): string {
  return [path, `${path}-wal`]
    .map(stat)
    .map((file) => `${file?.ino}:${file?.size}:${file?.mtimeMs}`)
    .join(' ');
}

function stat(file: string): Stats | null {
  return statSync(file, { throwIfNoEntry: false }) ?? null;
}
