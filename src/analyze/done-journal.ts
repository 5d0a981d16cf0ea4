// What has been analysed already, by the hash of what was read: an analysis that was interrupted goes on, a repeated one
// only reads what is new. One file of lines in the data directory.
import { closeSync, fstatSync, mkdirSync, openSync, readSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { writable } from '../platform/base/unwritable.ts';
import type { Analysed } from './analysis-worker.ts';

export interface DoneJournal {
  /** The results that were written for this hash, or null. */
  find(hash: string): Analysed[] | null;
  /** `results` as JSON. */
  add(hash: string, results: string): void;
  close(): void;
}

/** A line: the hash in hexadecimal, a space, the results as JSON. */
const hashLength = 64;
const readBytes = 2 ** 20;

/** Throws ERR_OUTPUT_UNWRITABLE. */
export function openDoneJournal(file: string): DoneJournal {
  const fd = writable(file, () => {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    return openSync(file, 'a+', 0o600);
  });
  const places = indexOf(fd);
  let end = fstatSync(fd).size;
  if (!endsWhole(fd, end)) end += writeSync(fd, '\n');
  return {
    find(hash) {
      const place = places.get(hash);
      if (place === undefined) return null;
      const bytes = Buffer.alloc(place.length);
      readSync(fd, bytes, 0, place.length, place.at);
      try {
        return JSON.parse(bytes.subarray(hashLength + 1).toString()) as Analysed[];
      } catch {
        // A line cut by a kill in the middle: what it stood for is analysed again.
        return null;
      }
    },
    add(hash, results) {
      const line = Buffer.from(`${hash} ${results}\n`);
      writable(file, () => writeAll(fd, line));
      places.set(hash, { at: end, length: line.length - 1 });
      end += line.length;
    },
    close: () => closeSync(fd),
  };
}

/** A disk that is nearly full takes a part of a line without a word. */
function writeAll(fd: number, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length; ) written += writeSync(fd, bytes, written);
}

/** Where each hash's line lies: memory for the index alone, whatever the results weigh. */
function indexOf(fd: number): Map<string, { at: number; length: number }> {
  const places = new Map<string, { at: number; length: number }>();
  const chunk = Buffer.alloc(readBytes);
  let lineAt = 0;
  let head = '';
  for (
    let at = 0, got = readSync(fd, chunk, 0, readBytes, at);
    got > 0;
    at += got, got = readSync(fd, chunk, 0, readBytes, at)
  ) {
    for (let from = 0; from < got; ) {
      const newline = chunk.subarray(0, got).indexOf(0x0a, from);
      const to = newline < 0 ? got : newline;
      if (head.length < hashLength)
        head += chunk.toString('latin1', from, Math.min(to, from + hashLength - head.length));
      if (newline < 0) break;
      if (/^[0-9a-f]{64}$/.test(head)) places.set(head, { at: lineAt, length: at + newline - lineAt });
      lineAt = at + newline + 1;
      head = '';
      from = newline + 1;
    }
  }
  return places;
}

function endsWhole(fd: number, size: number): boolean {
  if (size === 0) return true;
  const last = Buffer.alloc(1);
  readSync(fd, last, 0, 1, size - 1);
  return last[0] === 0x0a;
}
