// The counts of days and months over a restart: written behind the requests, twice a second, and read back on the safe side.
import { open, readFile } from 'node:fs/promises';
import type { Log } from '../../platform/base/log.ts';
import { writeWhole } from '../../platform/base/write-whole.ts';
import { type Counters, openCounters, type Span } from '../../platform/shared/counters.ts';
import type { CounterTable } from '../../platform/shared/memory.ts';

export interface KeptCounts {
  /** Counted anew: to be written. */
  touched(key: string, span: Span, table: CounterTable): void;
  close(): Promise<void>;
}

export interface KeptCountsParts {
  file: string;
  memory: SharedArrayBuffer;
  now: () => number;
  log: Pick<Log, 'error' | 'warn'>;
  /** Between two writings. */
  everyMs?: number;
}

/** One line: the digest of a key, its window and what is counted in it; `grown` since the line before. */
type Row = [key: string, ordinal: number, to: number, table: CounterTable, used: number, grown: number];

interface Kept {
  ordinal: number;
  to: number;
  table: CounterTable;
  used: number;
  grown: number;
}

const endMark = '"end"';
/** The file is written anew once it has so many more lines than counts. */
const spareLines = 20_000;

/**
 * After an end that was none (power, SIGKILL) up to half a second of counts was not written. Each count that was growing
 * then is taken up higher by as much as it grew in the half second before, so that nobody gains by it as a rule.
 */
export async function openKeptCounts(parts: KeptCountsParts): Promise<KeptCounts> {
  const { file, memory, now, log, everyMs = 500 } = parts;
  const counters = { known: openCounters(memory, 'known'), anyone: openCounters(memory, 'anyone') };
  const kept = takeUp(await read(file, log), counters, now());
  writeWhole(file, linesOf(kept));
  let handle = await open(file, 'a', 0o600);
  let lines = kept.size;
  let isBroken = false;
  const dirty = new Map<string, { span: Exclude<Span, { windowMs: number }>; table: CounterTable }>();
  /** Written as growing: once they are still, they are written as still. */
  let growing = new Set<string>();

  function rowOf(key: string): Row | undefined {
    const touched = dirty.get(key);
    const before = kept.get(key);
    const about = touched === undefined ? before : { ...touched.span, table: touched.table };
    if (about === undefined) return undefined;
    const { ordinal, to, table } = about;
    const used = counters[table].used(key, { ordinal, to }, now());
    const grown = Math.max(0, used - (before?.ordinal === ordinal ? before.used : 0));
    kept.set(key, { ordinal, to, table, used, grown });
    return [key, ordinal, to, table, used, grown];
  }

  async function write(): Promise<void> {
    if (dirty.size === 0 && growing.size === 0) return;
    const rows = [...new Set([...dirty.keys(), ...growing])].map(rowOf).filter((row) => row !== undefined);
    dirty.clear();
    growing = new Set(rows.filter((row) => row[5] > 0).map(([key]) => key));
    try {
      if (lines + rows.length > kept.size + spareLines) await writeAnew();
      else {
        await handle.appendFile(rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
        await handle.datasync();
        lines += rows.length;
      }
      isBroken = false;
    } catch (error) {
      // What could not be written is counted all the same, and written with the next.
      for (const [key] of rows) growing.add(key);
      if (!isBroken) log.error({ err: error }, 'the counts of limits cannot be kept');
      isBroken = true;
    }
  }

  async function writeAnew(): Promise<void> {
    const time = now();
    for (const [key, { to }] of kept) if (to <= time) kept.delete(key);
    writeWhole(file, linesOf(kept));
    await handle.close();
    handle = await open(file, 'a', 0o600);
    lines = kept.size;
  }

  let last: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    last = last.then(write);
  }, everyMs).unref();
  return {
    touched(key, span, table) {
      if (!('windowMs' in span)) dirty.set(key, { span, table });
    },
    async close() {
      clearInterval(timer);
      await last;
      // Twice: what grew is then still.
      await write();
      await write();
      if (!isBroken) {
        await handle.appendFile(`${endMark}\n`);
        await handle.datasync();
      }
      await handle.close();
    },
  };
}

function* linesOf(kept: ReadonlyMap<string, Kept>): Generator<string> {
  for (const [key, { ordinal, to, table, used, grown }] of kept)
    yield `${JSON.stringify([key, ordinal, to, table, used, grown])}\n`;
}

interface WasKept {
  rows: ReadonlyMap<string, Kept>;
  /** The end was one that we wrote. */
  isWhole: boolean;
}

async function read(file: string, log: Pick<Log, 'warn'>): Promise<WasKept> {
  const rows = new Map<string, Kept>();
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { rows, isWhole: true };
    throw error;
  }
  const lines = text.split('\n').filter((line) => line !== '');
  const isWhole = lines.at(-1) === endMark;
  let unread = 0;
  for (const line of lines) {
    if (line === endMark) continue;
    const row = parsed(line);
    if (row === undefined) unread++;
    else rows.set(row[0], { ordinal: row[1], to: row[2], table: row[3], used: row[4], grown: row[5] });
  }
  // A last line that was cut by the end itself is nothing to tell.
  if (unread > 1) log.warn({ lines: unread }, 'some kept counts of limits could not be read');
  return { rows, isWhole };
}

function parsed(line: string): Row | undefined {
  try {
    const row = JSON.parse(line) as unknown;
    if (!Array.isArray(row) || row.length !== 6) return undefined;
    const [key, ordinal, to, table, used, grown] = row as unknown[];
    const numbers = [ordinal, to, used, grown].every((value) => typeof value === 'number' && value >= 0);
    return typeof key === 'string' && numbers && (table === 'known' || table === 'anyone') ? (row as Row) : undefined;
  } catch {
    return undefined;
  }
}

/** Into the memory, as far as their windows go on; returns what was taken up. */
function takeUp(
  { rows, isWhole }: WasKept,
  counters: Readonly<Record<CounterTable, Counters>>,
  now: number,
): Map<string, Kept> {
  const live = new Map<string, Kept>();
  for (const [key, row] of rows) {
    const { ordinal, to, table } = row;
    if (to <= now) continue;
    const used = row.used + (isWhole ? 0 : row.grown);
    if (used > 0) counters[table].take(key, { ordinal, to }, Number.POSITIVE_INFINITY, used, now);
    live.set(key, { ...row, used, grown: 0 });
  }
  return live;
}
