// Archives that were cut into several files: `x.zip.001`, `x.zip.002` …, or `x.z01`, `x.z02` … `x.zip`.
import { closeSync, createReadStream, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type Spooled, spool } from './spool.ts';

export interface ArchiveParts {
  /** The archive's name, which stands for all its parts. */
  name: string;
  /** In order. */
  parts: string[];
  /** The name of the first part that is not there. */
  missing: string | null;
  /** By `x.z01` … `x.zip`: offsets within it count from the part that they are in. */
  numbered: boolean;
}

/** Null where `path` is no part of a cut archive. Looks for the other parts beside it. */
export async function partsOf(path: string): Promise<ArchiveParts | null> {
  const folder = dirname(path);
  const name = basename(path);
  const cut = /^(.+\.zip)\.\d{3}$/i.exec(name)?.[1];
  const base = cut ?? /^(.+)\.(?:z\d\d|zip)$/i.exec(name)?.[1];
  if (base === undefined) return null;
  const names = await readdir(folder);
  const ending = cut === undefined ? /^\.z\d\d$/i : /^\.\d{3}$/;
  const digits = cut === undefined ? 2 : 3;
  const found = names
    .filter((other) => other.toLowerCase().startsWith(base.toLowerCase()) && ending.test(other.slice(base.length)))
    .sort();
  if (found.length === 0) return null;
  const last = names.find((other) => other.toLowerCase() === `${base}.zip`.toLowerCase());
  const numbers = found.map((other) => Number(other.slice(-digits)));
  const told = cut === undefined && last !== undefined ? partsBefore(join(folder, last)) : 0;
  const gap = firstGap(numbers) ?? (numbers.length < told ? numbers.length + 1 : null);
  const missing =
    gap !== null
      ? `${base}.${cut === undefined ? 'z' : ''}${String(gap).padStart(digits, '0')}`
      : cut === undefined && last === undefined
        ? `${base}.zip`
        : null;
  const parts = cut === undefined && last !== undefined ? [...found, last] : found;
  return {
    name: join(folder, cut ?? `${base}.zip`),
    parts: parts.map((other) => join(folder, other)),
    missing,
    numbered: cut === undefined,
  };
}

/** Parts count from 1; the number of the first that is not there. */
function firstGap(numbers: readonly number[]): number | null {
  const gap = numbers.findIndex((number, i) => number !== i + 1);
  return gap < 0 ? null : gap + 1;
}

/** One archive again, in a file of its own; null when it does not fit together or is too large. */
export async function joined({ parts, numbered }: ArchiveParts, maxBytes: number): Promise<Spooled | null> {
  const sizes = await Promise.all(parts.map(async (part) => (await stat(part)).size));
  async function* all() {
    for (const part of parts) yield* createReadStream(part);
  }
  const whole = await spool(all(), maxBytes);
  if (whole.whole && (!numbered || madeOne(whole.path, sizes))) return whole;
  whole[Symbol.dispose]();
  return null;
}

const directoryEnd = 0x06054b50;
const directoryEntry = 0x02014b50;
const mostDirectoryBytes = 64 * 2 ** 20;

/** How many parts the last one says there are before it; 0 when it says nothing. */
function partsBefore(last: string): number {
  const fd = openSync(last, 'r');
  try {
    const { tail, end } = directoryEndOf(fd);
    return end < 0 ? 0 : tail.readUInt16LE(end + 4);
  } finally {
    closeSync(fd);
  }
}

function directoryEndOf(fd: number): { tail: Buffer; end: number; size: number } {
  const { size } = fstatSync(fd);
  const tail = Buffer.alloc(Math.min(size, 22 + 65_535));
  readSync(fd, tail, 0, tail.length, size - tail.length);
  let end = tail.length - 22;
  while (end >= 0 && tail.readUInt32LE(end) !== directoryEnd) end--;
  return { tail, end, size };
}

/** APPNOTE 4.3.12 and 4.3.16: every entry names the part that it begins in; here all parts become the first. */
function madeOne(path: string, sizes: readonly number[]): boolean {
  const starts = sizes.map((_, i) => sizes.slice(0, i).reduce((sum, size) => sum + size, 0));
  const fd = openSync(path, 'r+');
  try {
    const { tail, end, size } = directoryEndOf(fd);
    if (end < 0) return false;
    const from = starts[tail.readUInt16LE(end + 6)];
    const bytes = tail.readUInt32LE(end + 12);
    const count = tail.readUInt16LE(end + 10);
    if (from === undefined || bytes > mostDirectoryBytes) return false;
    const at = from + tail.readUInt32LE(end + 16);
    const directory = Buffer.alloc(bytes);
    if (readSync(fd, directory, 0, bytes, at) !== bytes) return false;
    for (let entry = 0, i = 0; i < count; i++) {
      if (entry + 46 > bytes || directory.readUInt32LE(entry) !== directoryEntry) return false;
      const start = starts[directory.readUInt16LE(entry + 34)];
      const place = (start ?? 0) + directory.readUInt32LE(entry + 42);
      // 4 GB and more are written in another place of the entry.
      if (start === undefined || place >= 0xffffffff) return false;
      directory.writeUInt16LE(0, entry + 34);
      directory.writeUInt32LE(place, entry + 42);
      entry +=
        46 +
        directory.readUInt16LE(entry + 28) +
        directory.readUInt16LE(entry + 30) +
        directory.readUInt16LE(entry + 32);
    }
    if (at >= 0xffffffff) return false;
    tail.writeUInt32LE(0, end + 4);
    tail.writeUInt16LE(count, end + 8);
    tail.writeUInt32LE(at, end + 16);
    writeSync(fd, directory, 0, bytes, at);
    writeSync(fd, tail, end, 22, size - tail.length + end);
    return true;
  } finally {
    closeSync(fd);
  }
}
