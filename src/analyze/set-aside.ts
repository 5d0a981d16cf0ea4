// Bytes set aside in the order of their adding: in memory while they are few, then in a file that has no name.
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writable } from '../platform/base/unwritable.ts';

export interface SetAside {
  /** Of all that was added, in bytes. */
  readonly size: number;
  /** Takes a copy. */
  add(bytes: Uint8Array): void;
  /** Valid until the next call. */
  read(at: number, length: number): Buffer;
  close(): void;
}

/** Grows from here up to what may be held in memory. */
const firstRoom = 2 ** 16;

/** Written together: a call of the system for each takes longer than the writing. */
export function setAside(mostInMemory: number): SetAside {
  let held = Buffer.alloc(0);
  let filled = 0;
  let file: { fd: number; forget: () => void } | null = null;
  let inFile = 0;

  function spill(): void {
    file ??= openNameless();
    for (let written = 0; written < filled; )
      written += writeSync(file.fd, held, written, filled - written, inFile + written);
    inFile += filled;
    filled = 0;
  }

  return {
    get size() {
      return inFile + filled;
    },
    add(bytes) {
      const needed = filled + bytes.length;
      if (needed > held.length) {
        const more = Buffer.alloc(Math.max(needed, Math.min(2 * held.length, mostInMemory), firstRoom));
        more.set(held.subarray(0, filled));
        held = more;
      }
      held.set(bytes, filled);
      filled = needed;
      if (filled > mostInMemory) writable(tmpdir(), spill);
    },
    read(at, length) {
      if (at >= inFile) return held.subarray(at - inFile, at - inFile + length);
      const bytes = Buffer.alloc(length);
      const there = Math.min(length, inFile - at);
      for (let got = 0; got < there; ) {
        const more = readSync(file!.fd, bytes, got, there - got, at + got);
        if (more === 0) break;
        got += more;
      }
      held.copy(bytes, there, 0, length - there);
      return bytes;
    },
    close() {
      file?.forget();
      file = null;
      held = Buffer.alloc(0);
      filled = 0;
      inFile = 0;
    },
  };
}

/** Readable by its owner only, and gone with the process, however that ends (where the system allows it). */
function openNameless(): { fd: number; forget: () => void } {
  const path = join(tmpdir(), `rempart-analysis-${process.pid}-${randomBytes(6).toString('hex')}`);
  const fd = openSync(path, 'wx+', 0o600);
  let named = true;
  const unname = () => {
    try {
      unlinkSync(path);
      named = false;
    } catch {
      // Windows keeps an open file's name until it is closed.
    }
  };
  unname();
  return {
    fd,
    forget() {
      closeSync(fd);
      if (named) unname();
    },
  };
}
