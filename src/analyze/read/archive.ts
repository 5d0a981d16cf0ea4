// Reads the members of a zip in their order, as streams, with guards against archives that mean harm.
import { tmpdir } from 'node:os';
import type { Readable } from 'node:stream';
import yauzl from 'yauzl';
import { type Facts, RempartError } from '../../platform/base/errors.ts';
import { type Lang, say } from '../../platform/i18n/say.ts';
import type { Place } from '../formats/draft.ts';
import { type Chunks, kindOf, peek } from './byte-source.ts';
import { type Cut, type Cutting, cutFile, notOne } from './cut-file.ts';
import { inNaturalOrder, isSideFile } from './order.ts';
import { createFileReader, sentFiles } from './sent-files.ts';
import { spool } from './spool.ts';

/** Below this a bad ratio says nothing. */
const ratioFromBytes = 32 * 2 ** 20;

export async function* cutArchive(path: string, place: Place, cutting: Cutting, depth: number): AsyncGenerator<Cut> {
  let zip: yauzl.ZipFile;
  try {
    zip = await open(path);
  } catch {
    return yield broken(place, cutting, 'ERR_EXPORT_ARCHIVE', say(cutting.lang, 'read.bytesMissing'));
  }
  try {
    yield* cutMembers(zip, place, cutting, depth);
  } finally {
    zip.close();
  }
}

async function* cutMembers(zip: yauzl.ZipFile, place: Place, cutting: Cutting, depth: number): AsyncGenerator<Cut> {
  const { lang, limits } = cutting;
  if (zip.entryCount > limits.entries)
    return yield broken(place, cutting, 'ERR_EXPORT_ARCHIVE', say(lang, 'read.entries', { count: limits.entries }));
  if (depth > 0) {
    cutting.nested.members += zip.entryCount;
    if (isOverfull(cutting)) return yield* tellOverfull(place, cutting);
  }
  const { entries, damaged } = await membersOf(zip);
  if (entries.reduce((sum, { entry }) => sum + entry.compressedSize, 0) > zip.fileSize)
    return yield broken(place, cutting, 'ERR_EXPORT_ARCHIVE', say(lang, 'read.overlap'));
  const byName = Map.groupBy(entries, ({ name }) => name);
  const sent = sentFiles([...byName.keys()]);
  let binaries = 0;
  let told = damaged;
  for (const name of inNaturalOrder([...byName.keys()])) {
    if (sent.owned.has(name)) continue;
    const beside = await filesBeside(zip, sent.byOwner.get(name) ?? [], byName, cutting);
    for (const one of [name, ...beside.left]) {
      for (const { entry } of byName.get(one) ?? []) {
        cutting.onBytes(entry.compressedSize);
        if (one.endsWith('/') || isSideFile(one)) continue;
        const own = one === name ? beside.files : undefined;
        for await (const cut of cutMember(zip, entry, memberPlace(place, one, own), cutting, depth)) {
          told = true;
          if (cut === 'binary') binaries++;
          else yield cut;
        }
      }
    }
  }
  if (binaries > 0) yield notOne(place, say(lang, 'read.binaries', { count: binaries }));
  if (!told) yield notOne(place, say(lang, 'read.hollow'));
  if (damaged) yield broken(place, cutting, 'ERR_EXPORT_ARCHIVE', say(lang, 'read.bytesMissing'));
}

function isOverfull({ nested, limits }: Cutting): boolean {
  return nested.members > limits.nestedEntries;
}

/** Once for each file of the run: thousands of archives in it would else be told one by one. */
function* tellOverfull(place: Place, cutting: Cutting): Generator<Cut> {
  const { lang, limits, nested } = cutting;
  const file = place.source.split('!', 1)[0] ?? '';
  if (nested.told.has(file)) return;
  nested.told.add(file);
  yield broken(place, cutting, 'ERR_EXPORT_ARCHIVE', say(lang, 'read.nestedEntries', { count: limits.nestedEntries }));
}

type Members = ReadonlyMap<string, readonly { entry: yauzl.Entry }[]>;

/** The texts that were sent in a chat; `left` are the names of those that are no texts. */
async function filesBeside(zip: yauzl.ZipFile, names: readonly string[], byName: Members, cutting: Cutting) {
  const reader = createFileReader();
  const left: string[] = [];
  for (const name of names) {
    const [only, twice] = byName.get(name) ?? [];
    const readable = only !== undefined && twice === undefined && !only.entry.isEncrypted();
    const open = async () => guarded(await stream(zip, only!.entry), only!.entry, cutting, { seen: false });
    // A damaged member is told when its own turn comes.
    const taken = readable && (await reader.take(name, only.entry.uncompressedSize, open).catch(() => false));
    if (taken) cutting.onBytes(only.entry.compressedSize);
    else left.push(name);
  }
  return { files: reader.files, left };
}

async function* cutMember(
  zip: yauzl.ZipFile,
  entry: yauzl.Entry,
  place: Place,
  cutting: Cutting,
  depth: number,
): AsyncGenerator<Cut | 'binary'> {
  const { lang, limits } = cutting;
  if (leadsOut(place.source.slice(place.source.lastIndexOf('!') + 1)))
    return yield notOne(place, say(lang, 'read.outside'));
  if (entry.isEncrypted()) return yield broken(place, cutting, 'ERR_EXPORT_ENCRYPTED', '');
  const bomb = { seen: false };
  try {
    const peeked = await peek(guarded(await stream(zip, entry), entry, cutting, bomb));
    const kind = kindOf(peeked.head);
    if (kind === 'binary' || kind === 'gzip') {
      await (peeked.chunks as AsyncGenerator<Uint8Array>).return(undefined);
      return yield 'binary';
    }
    if (kind !== 'zip') return yield* cutFile(peeked, place, cutting);
    if (depth + 1 >= limits.nesting)
      return yield broken(place, cutting, 'ERR_EXPORT_ARCHIVE', say(lang, 'read.depth', { count: limits.nesting }));
    if (isOverfull(cutting)) {
      await (peeked.chunks as AsyncGenerator<Uint8Array>).return(undefined);
      return yield* tellOverfull(place, cutting);
    }
    using inner = await spool(peeked.chunks, limits.inflatedBytes);
    yield* cutArchive(inner.path, place, cutting, depth + 1);
  } catch (error) {
    if (bomb.seen) yield broken(place, cutting, 'ERR_EXPORT_BOMB', '');
    else yield broken(place, cutting, 'ERR_EXPORT_ARCHIVE', whyNotUnpacked(error, lang));
  }
}

/** A full disk of ours is no fault of the archive. */
function whyNotUnpacked(error: unknown, lang: Lang): string {
  return error instanceof RempartError && error.code === 'ERR_OUTPUT_UNWRITABLE'
    ? say(lang, 'read.noRoom', { folder: tmpdir(), what: factText(error.facts['what'], lang) })
    : say(lang, 'read.unpacked');
}

function factText(fact: Facts[string] | undefined, lang: Lang): string {
  return typeof fact === 'object' ? say(lang, fact.key, fact.facts) : String(fact);
}

/** Counts what really comes out: the sizes that an archive declares are its own word. */
async function* guarded(
  chunks: Chunks,
  entry: yauzl.Entry,
  { limits }: Cutting,
  bomb: { seen: boolean },
): AsyncGenerator<Uint8Array> {
  let inflated = 0;
  for await (const chunk of chunks) {
    inflated += chunk.length;
    const ratio = inflated / Math.max(1, entry.compressedSize);
    if (inflated > limits.inflatedBytes || (inflated > ratioFromBytes && ratio > limits.inflatedRatio)) {
      bomb.seen = true;
      throw new Error('inflates too far');
    }
    yield chunk;
  }
}

function memberPlace(place: Place, name: string, files: Record<string, string> = {}): Place {
  const base = name.split('/').at(-1) ?? name;
  const member = { source: `${place.source}!${name}`, name: base.replace(/(?<=.)\.[A-Za-z0-9]{1,8}$/, '') };
  return Object.keys(files).length === 0 ? member : { ...member, files };
}

/** Nothing is ever written by a member's name; such a name is the mark of an archive made to do harm. */
function leadsOut(name: string): boolean {
  return /^[/\\]|^[A-Za-z]:|(?:^|[/\\])\.\.(?:[/\\]|$)|\0/.test(name);
}

export function brokenArchive(place: Place, cutting: Cutting, why: string): Cut {
  return broken(place, cutting, 'ERR_EXPORT_ARCHIVE', why);
}

function broken(
  place: Place,
  { lang }: Cutting,
  code: 'ERR_EXPORT_ARCHIVE' | 'ERR_EXPORT_ENCRYPTED' | 'ERR_EXPORT_BOMB',
  why: string,
): Cut {
  const item = {
    kind: 'broken',
    source: place.source,
    id: place.name,
    title: place.name,
    format: 'unknown',
    code,
  } as const;
  return { kind: 'item', item: { ...item, why: say(lang, code, { source: place.source, why }) } };
}

function open(path: string): Promise<yauzl.ZipFile> {
  return new Promise((resolve, reject) => {
    // Names are decoded and judged here: yauzl would give up the whole archive for one bad name.
    yauzl.open(
      path,
      { lazyEntries: true, autoClose: false, decodeStrings: false, validateEntrySizes: false },
      (error, zip) => (error === null ? resolve(zip) : reject(error)),
    );
  });
}

function membersOf(zip: yauzl.ZipFile): Promise<{ entries: { name: string; entry: yauzl.Entry }[]; damaged: boolean }> {
  const entries: { name: string; entry: yauzl.Entry }[] = [];
  return new Promise((resolve) => {
    zip.on('entry', (entry: yauzl.Entry) => {
      entries.push({ name: nameOf(entry), entry });
      zip.readEntry();
    });
    zip.on('end', () => resolve({ entries, damaged: false }));
    zip.on('error', () => resolve({ entries, damaged: true }));
    zip.readEntry();
  });
}

function nameOf(entry: yauzl.Entry): string {
  return yauzl
    .getFileNameLowLevel(entry.generalPurposeBitFlag, entry.fileNameRaw, entry.extraFields, false)
    .replaceAll('\\', '/');
}

function stream(zip: yauzl.ZipFile, entry: yauzl.Entry): Promise<Readable> {
  return new Promise((resolve, reject) => {
    zip.openReadStream(entry, (error, readable) => (error === null ? resolve(readable) : reject(error)));
  });
}
