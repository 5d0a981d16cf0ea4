// A file that only grows by whole, synced writes: a failed write leaves it as it was before.
import {
  closeSync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** The system calls under a journal file; an argument, so that a test can hand in a disk that fills up. */
export interface Disk {
  write(fd: number, bytes: Uint8Array, offset: number, length: number, position: number): number;
  sync(fd: number): void;
  truncate(fd: number, size: number): void;
}

export const realDisk: Disk = { write: writeSync, sync: fdatasyncSync, truncate: ftruncateSync };

export interface AppendFile {
  readonly path: string;
  readonly size: number;
  /** Returns once the bytes are on disk; throws, and the file ends where it did before. */
  append(bytes: Uint8Array): void;
  close(): void;
}

export function openAppendFile(path: string, disk: Disk): AppendFile {
  let fd = openSync(path, 'a+', 0o600);
  closeSync(fd);
  fd = openSync(path, 'r+');
  syncDirectory(dirname(path));
  let size = fstatSync(fd).size;
  // Set while bytes beyond `size` may exist: they are cut before anything else is written.
  let dirty = false;

  const cut = (): void => {
    disk.truncate(fd, size);
    disk.sync(fd);
    dirty = false;
  };
  const reopen = (): void => {
    // After a failed fsync the kernel may call the lost pages clean; a new descriptor starts without that history.
    closeSync(fd);
    fd = openSync(path, 'r+');
  };

  return {
    path,
    get size() {
      return size;
    },
    append(bytes) {
      if (dirty) {
        reopen();
        cut();
      }
      dirty = true;
      try {
        for (let done = 0; done < bytes.length; ) {
          done += disk.write(fd, bytes, done, bytes.length - done, size + done);
        }
        disk.sync(fd);
      } catch (error) {
        try {
          cut();
        } catch {
          // Still dirty: the next append cuts first.
        }
        throw error;
      }
      dirty = false;
      size += bytes.length;
    },
    close: () => closeSync(fd),
  };
}

export interface Torn {
  /** Name of the file, beside the torn one, that keeps what was cut off. */
  aside: string;
  bytes: number;
}

/** Cuts off everything after the last line that `isWhole` accepts and keeps it aside; null when nothing had to go. */
export function cutTornTail(
  path: string,
  now: number,
  isWhole: (line: Buffer) => boolean,
): { torn: Torn | null; last: Buffer | null } {
  const fd = openSync(path, 'r+');
  try {
    const { size } = fstatSync(fd);
    let end = size;
    let last: Buffer | null = null;
    for (const line of linesBackwards(fd, size)) {
      if (line.complete && isWhole(line.bytes)) {
        last = line.bytes;
        break;
      }
      end = line.start;
    }
    if (end === size) return { torn: null, last };
    const tail = Buffer.alloc(size - end);
    readFully(fd, tail, end);
    const aside = `torn-${basename(path)}-${now}`;
    writeFileSync(join(dirname(path), aside), tail, { mode: 0o600, flag: 'wx', flush: true });
    syncDirectory(dirname(path));
    ftruncateSync(fd, end);
    fsyncSync(fd);
    return { torn: { aside, bytes: tail.length }, last };
  } finally {
    closeSync(fd);
  }
}

function* linesBackwards(fd: number, size: number): Generator<{ start: number; bytes: Buffer; complete: boolean }> {
  let held = Buffer.alloc(0);
  let from = size;
  let complete = false;
  while (from > 0 || held.length > 0) {
    const at = held.lastIndexOf(0x0a);
    if (at >= 0) {
      const bytes = held.subarray(at + 1);
      held = held.subarray(0, at);
      if (bytes.length > 0 || complete) yield { start: from + at + 1, bytes, complete };
      complete = true;
      continue;
    }
    if (from === 0) {
      yield { start: 0, bytes: held, complete };
      return;
    }
    const length = Math.min(65_536, from);
    const chunk = Buffer.alloc(length);
    readFully(fd, chunk, from - length);
    from -= length;
    held = Buffer.concat([chunk, held]);
  }
}

function readFully(fd: number, into: Buffer, position: number): void {
  for (let done = 0; done < into.length; ) {
    const read = readSync(fd, into, done, into.length - done, position + done);
    if (read === 0) throw new Error('the file became shorter while it was read');
    done += read;
  }
}

/** Makes a created or renamed name durable; Windows cannot sync a directory and does not need to. */
export function syncDirectory(dir: string): void {
  if (process.platform === 'win32') return;
  const fd = openSync(dir, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
