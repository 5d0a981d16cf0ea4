// Writes a file that holds all its bytes or, after a crash, what it held before.
import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/** Pieces as they come, readable by their owner only; written under another name, synced, then renamed over `file`. */
export function writeWhole(file: string, pieces: Iterable<string>): void {
  mkdirSync(dirname(file), { recursive: true });
  const draft = `${file}.${process.pid}-${randomBytes(4).toString('hex')}`;
  const fd = openSync(draft, 'wx', 0o600);
  let open = true;
  try {
    for (const piece of gathered(pieces)) writeAll(fd, Buffer.from(piece));
    fsyncSync(fd);
    closeSync(fd);
    open = false;
    renameSync(draft, file);
  } catch (error) {
    if (open) closeSync(fd);
    rmSync(draft, { force: true });
    throw error;
  }
}

function writeAll(fd: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
}

/** Small pieces together: a system call for each would cost more than the writing. */
export function* gathered(pieces: Iterable<string>, chars = 65_536): Generator<string> {
  let waiting = '';
  for (const piece of pieces) {
    waiting += piece;
    if (waiting.length < chars) continue;
    yield waiting;
    waiting = '';
  }
  if (waiting !== '') yield waiting;
}
