// What has been analysed already, by the hash of what was read: an analysis that was interrupted goes on, a repeated one
// only reads what is new. One file of lines in the data directory.
import { closeSync, fstatSync, mkdirSync, openSync, readSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { writable } from '../platform/base/unwritable.ts';
import { type Analysed, type PieceResults, unpacked } from './piece-results.ts';

export interface DoneJournal {
  /** The results that were written for this hash, or null. */
  find(hash: string): Analysed[] | null;
  add(hash: string, results: PieceResults): void;
  close(): void;
}

/** A line: the hash in hexadecimal, a space, the head of the results, a tab, their bodies. */
const hashLength = 64;
const newline = Buffer.from('\n');
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
        const tab = bytes.indexOf(0x09);
        return unpacked({ head: bytes.toString('utf8', hashLength + 1, tab), bodies: bytes.subarray(tab + 1) });
      } catch {
        // A line cut by a kill in the middle: what it stood for is analysed again.
        return null;
      }
    },
    add(hash, { head, bodies }) {
      const line = Buffer.concat([Buffer.from(`${hash} ${head}\t`), bodies, newline]);
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
      const lineEnd = chunk.subarray(0, got).indexOf(0x0a, from);
      const to = lineEnd < 0 ? got : lineEnd;
      if (head.length < hashLength)
        head += chunk.toString('latin1', from, Math.min(to, from + hashLength - head.length));
      if (lineEnd < 0) break;
      if (/^[0-9a-f]{64}$/.test(head)) places.set(head, { at: lineAt, length: at + lineEnd - lineAt });
      lineAt = at + lineEnd + 1;
      head = '';
      from = lineEnd + 1;
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
