// Walks the paths of the command line and cuts every file, member and stream in its order.
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { RempartError } from '../../platform/base/errors.ts';
import { say } from '../../platform/i18n/say.ts';
import type { Place } from '../formats/draft.ts';
import { brokenArchive, cutArchive } from './archive.ts';
import { type Chunks, kindOf, peek } from './byte-source.ts';
import { type Cut, type Cutting, cutFile, notOne } from './cut-file.ts';
import { inNaturalOrder, isSideFile } from './order.ts';
import { type ReadOptions, readLimits } from './read-options.ts';
import { createFileReader } from './sent-files.ts';
import { type ArchiveParts, joined, partsOf } from './split-archive.ts';
import { spool } from './spool.ts';

const readBytes = 2 ** 20;

export async function* cutExports(paths: readonly string[], options: ReadOptions): AsyncGenerator<Cut> {
  for (const path of paths) if (path !== '-') await stat(path).catch((error: unknown) => missing(path, error));
  const cutting: Cutting = {
    limits: { ...readLimits, ...options.limits },
    lang: options.lang ?? 'en',
    onBytes: options.onBytes ?? (() => {}),
    firsts: new Map(),
    joined: new Set(),
    nested: { members: 0, told: new Set() },
  };
  for (const path of paths) {
    if (path === '-')
      yield* cutStream(options.stdin ?? Readable.from([]), { source: '-', name: 'stdin' }, cutting, null);
    else yield* cutPath(path, cutting, options);
  }
}

function missing(path: string, cause: unknown): never {
  throw new RempartError('ERR_EXPORT_MISSING', { path }, cause);
}

/** A chat and the texts in the folder beside it; what is no text there is told behind it. */
async function* cutWithFiles(
  path: string,
  folder: string,
  cutting: Cutting,
  options: ReadOptions,
): AsyncGenerator<Cut> {
  const reader = createFileReader();
  const left: string[] = [];
  const entries = await readdir(folder, { withFileTypes: true });
  const kept = entries.filter((entry) => (entry.isFile() || entry.isDirectory()) && !isSideFile(entry.name));
  for (const name of inNaturalOrder(kept.map((entry) => entry.name))) {
    const file = join(folder, name);
    const { size } = await stat(file);
    const plain = kept.some((entry) => entry.name === name && entry.isFile());
    const open = async () => counted(createReadStream(file), options);
    if (!plain || !(await reader.take(name, size, open).catch(() => false))) left.push(file);
  }
  yield* cutPath(path, cutting, options, reader.files);
  for (const file of left) yield* cutPath(file, cutting, options);
}

async function* cutPath(
  path: string,
  cutting: Cutting,
  options: ReadOptions,
  files?: Readonly<Record<string, string>>,
): AsyncGenerator<Cut> {
  const found = await stat(path).catch((error: unknown) => missing(path, error));
  if (found.isDirectory()) {
    const entries = await readdir(path, { withFileTypes: true });
    // Links are not followed out of the folder, and never in circles.
    const names = inNaturalOrder(
      entries.filter((entry) => entry.isDirectory() || entry.isFile()).map(({ name }) => name),
    );
    const folders = new Set(entries.filter((entry) => entry.isDirectory()).map(({ name }) => name));
    for (const name of names) {
      // What was sent in a chat is read with it.
      if (isSideFile(name) || (name.endsWith('-files') && names.includes(`${name.slice(0, -6)}.json`))) continue;
      const beside = `${name.slice(0, -5)}-files`;
      if (!name.endsWith('.json') || !folders.has(beside)) yield* cutPath(join(path, name), cutting, options);
      else yield* cutWithFiles(join(path, name), join(path, beside), cutting, options);
    }
    return;
  }
  if (!found.isFile()) return;
  const parts = await partsOf(path);
  if (parts !== null) return yield* cutParts(path, parts, cutting, options);
  const chunks = counted(createReadStream(path, { highWaterMark: readBytes }), options);
  try {
    const place = placeOf(path);
    yield* cutStream(chunks, files === undefined ? place : { ...place, files }, cutting, path);
  } catch (error) {
    if (isDenied(error)) missing(path, error);
    throw error;
  }
}

/** The parts of an archive are read once, whichever of them comes first. */
async function* cutParts(
  path: string,
  found: ArchiveParts,
  cutting: Cutting,
  { onBytes }: ReadOptions,
): AsyncGenerator<Cut> {
  onBytes?.((await stat(path)).size);
  if (cutting.joined.has(found.name)) return;
  cutting.joined.add(found.name);
  const place = placeOf(found.name);
  if (found.missing !== null)
    return yield brokenArchive(place, cutting, say(cutting.lang, 'read.partMissing', { name: found.missing }));
  using whole = await joined(found, cutting.limits.inflatedBytes);
  if (whole === null) return yield brokenArchive(place, cutting, say(cutting.lang, 'read.partsUnfit'));
  yield* cutArchive(whole.path, place, cutting, 0);
}

export function placeOf(path: string): Place {
  return { source: path, name: basename(path).replace(/(?<=.)\.[A-Za-z0-9]{1,8}$/, '') };
}

function isDenied(error: unknown): boolean {
  return ['EACCES', 'EPERM', 'ENOENT', 'EIO'].includes((error as NodeJS.ErrnoException).code ?? '');
}

async function* counted(chunks: Chunks, { onBytes }: ReadOptions): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    onBytes?.(chunk.length);
    yield chunk;
  }
}

async function* cutStream(chunks: Chunks, place: Place, cutting: Cutting, path: string | null): AsyncGenerator<Cut> {
  const peeked = await peek(chunks);
  const kind = kindOf(peeked.head);
  if (kind === 'gzip') {
    const unpacked = await peek(Readable.from(peeked.chunks).pipe(createGunzip()) as Chunks).catch(() => null);
    if (unpacked === null) return yield notOne(place, say(cutting.lang, 'read.unpacked'));
    return yield* cutFile(unpacked, place, cutting);
  }
  if (kind !== 'zip') return yield* cutFile(peeked, place, cutting);
  if (path !== null) {
    await (peeked.chunks as AsyncGenerator<Uint8Array>).return(undefined);
    return yield* cutArchive(path, place, cutting, 0);
  }
  using spooled = await spool(peeked.chunks, cutting.limits.inflatedBytes);
  yield* cutArchive(spooled.path, place, cutting, 0);
}
