// An append-only file of JSON lines for what the store cannot take yet: acknowledged only once it is on disk.
import { mkdirSync, readFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { writeWhole } from '../../platform/base/write-whole.ts';

export interface Spool<T> {
  /** What the file held at the start, oldest first; a torn last line was never acknowledged and is left out. */
  readonly found: readonly T[];
  /** Resolves once all `entries` are on disk, in order (concurrent calls share one fsync). */
  append(entries: readonly T[]): Promise<void>;
  /** Empties the file if `done` still holds when every append before it is on disk; later appends stay. */
  clearIf(done: () => boolean): Promise<void>;
  /** Takes the others out of the file for good; resolves to how many. A crash leaves the file as it was or as it is to be. */
  keepOnly(wanted: (entry: T) => boolean): Promise<number>;
  close(): Promise<void>;
}

/** Opens (mode 0600), or creates, the spool at `path`. */
export async function openSpool<T>(path: string): Promise<Spool<T>> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const found = readEntries<T>(path);
  let file = await open(path, 'a', 0o600);
  let tail: Promise<unknown> = Promise.resolve();
  let batch: { lines: string; written: Promise<void> } | undefined;
  // One operation at a time; a failed one must not stop the next.
  const inTurn = <R>(work: () => Promise<R>): Promise<R> => {
    const mine = tail.then(work, work);
    tail = mine.catch(() => {});
    return mine;
  };
  // A crash may have torn the last line: a line end keeps the next entry apart from it.
  if (found.torn) await inTurn(() => write(file, '\n'));
  return {
    found: found.entries,
    append(entries) {
      const lines = entries.map((entry) => `${JSON.stringify(entry)}\n`).join('');
      if (batch !== undefined) {
        batch.lines += lines;
        return batch.written;
      }
      const mine = { lines, written: Promise.resolve() };
      mine.written = inTurn(() => {
        batch = undefined;
        return write(file, mine.lines);
      });
      batch = mine;
      return mine.written;
    },
    clearIf: (done) =>
      inTurn(async () => {
        if (!done()) return;
        await file.truncate(0);
        await file.datasync();
      }),
    keepOnly: (wanted) =>
      inTurn(async () => {
        const { entries } = readEntries<T>(path);
        const kept = entries.filter(wanted);
        if (kept.length === entries.length) return 0;
        writeWhole(
          path,
          kept.map((entry) => `${JSON.stringify(entry)}\n`),
        );
        const before = file;
        file = await open(path, 'a', 0o600);
        await before.close();
        return entries.length - kept.length;
      }),
    close: () => inTurn(() => file.close()),
  };
}

async function write(file: FileHandle, lines: string): Promise<void> {
  await file.appendFile(lines, 'utf8');
  await file.datasync();
}

function readEntries<T>(path: string): { entries: T[]; torn: boolean } {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { entries: [], torn: false };
    throw error;
  }
  const entries: T[] = [];
  for (const line of text.split('\n')) {
    if (line === '') continue;
    try {
      entries.push(JSON.parse(line) as T);
    } catch {
      // Torn by a crash, so its sender never heard that it was kept.
    }
  }
  return { entries, torn: text !== '' && !text.endsWith('\n') };
}
