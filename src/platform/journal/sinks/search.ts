// Searches the journal: in the index as far as it has come, and in the files beyond it, so that nothing recorded is missed.
import { existsSync } from 'node:fs';
import { openStore, type StoreLocation } from '../../store/store.ts';
import type { JournalRecord } from '../record.ts';
import { type AuditFields, auditFields } from './audit-fields.ts';
import { type Places, readOn } from './follow.ts';
import { readPlaces } from './offsets.ts';
import { recordOfRow } from './store-index.ts';

export interface JournalQuery {
  /** Each must occur in the record's JSON, whatever its case. */
  texts: readonly string[];
  /** Audit fields, `stream`, or dotted names in the event (`actor.user.uid`). */
  fields: readonly { name: string; value: string }[];
  /** Milliseconds since the epoch. */
  since?: number;
  until?: number;
  /** The newest so many. */
  limit: number;
}

export interface SearchPlace {
  journal: string;
  /** The file that says how far the index has come. */
  offsets: string;
  index: StoreLocation;
}

export interface Found {
  records: JournalRecord[];
  /** Where they came from: the index, and how many records were read from the files since it is not that far. */
  index: 'used' | 'missing' | 'away';
  readFromFiles: number;
}

const auditNames = [
  'timestamp',
  'event_type',
  'user_id',
  'source_ip',
  'model_used',
  'endpoint',
  'prompt_hash',
  'response_size',
  'processing_time',
  'success',
] as const satisfies readonly (keyof AuditFields)[];

/** Fields that are a column of the index. */
const columns = ['event_type', 'user_id', 'source_ip', 'model_used', 'endpoint'] as const;

export async function searchJournal(place: SearchPlace, query: JournalQuery): Promise<Found> {
  const { rows, state } = await fromIndex(place, query);
  // What the index could not tell is read from the beginning.
  const places = state === 'used' ? readPlaces(place.offsets) : {};
  const { found, read } = fromFiles(place.journal, places, query);
  const byHash = new Map([...rows, ...found].map((record) => [record.hash, record]));
  const records = newest([...byHash.values()], query.limit);
  return { records, index: state, readFromFiles: read };
}

async function fromIndex(
  { index, offsets }: SearchPlace,
  query: JournalQuery,
): Promise<{ rows: JournalRecord[]; state: Found['index'] }> {
  if (!existsSync(offsets) || ('path' in index && !existsSync(index.path))) return { rows: [], state: 'missing' };
  const store = await openStore(index);
  try {
    let select = store.db.selectFrom('journal_index').selectAll();
    if (query.since !== undefined) select = select.where('time', '>=', query.since);
    if (query.until !== undefined) select = select.where('time', '<', query.until);
    for (const { name, value } of query.fields) {
      const column = columns.find((known) => known === name);
      if (column !== undefined) select = select.where(column, '=', value);
    }
    const rows: JournalRecord[] = [];
    const pageSize = 1_000;
    // The rest of the question is asked of each record here, the same way as of those in the files.
    for (let page = 0; rows.length < query.limit; page++) {
      const some = await select
        .orderBy('time', 'desc')
        .orderBy('hash')
        .limit(pageSize)
        .offset(page * pageSize)
        .execute();
      rows.push(...some.map(recordOfRow).filter((record) => matches(record, query)));
      if (some.length < pageSize) break;
    }
    return { rows, state: 'used' };
  } catch {
    return { rows: [], state: 'away' };
  } finally {
    await store.close();
  }
}

function fromFiles(journal: string, from: Places, query: JournalQuery): { found: JournalRecord[]; read: number } {
  let found: JournalRecord[] = [];
  let places = from;
  let read = 0;
  for (;;) {
    const reading = readOn(journal, places, { records: 5_000, bytes: 4_194_304 });
    places = reading.places;
    if (reading.records.length === 0) return { found, read };
    read += reading.records.length;
    found = newest([...found, ...reading.records.filter((record) => matches(record, query))], query.limit);
  }
}

function newest(records: readonly JournalRecord[], limit: number): JournalRecord[] {
  return records.toSorted((a, b) => a.time - b.time || a.seq - b.seq).slice(-limit);
}

export function matches(record: JournalRecord, { texts, fields, since, until }: JournalQuery): boolean {
  if (since !== undefined && record.time < since) return false;
  if (until !== undefined && record.time >= until) return false;
  if (texts.length > 0) {
    const whole = JSON.stringify(record).toLowerCase();
    if (!texts.every((text) => whole.includes(text.toLowerCase()))) return false;
  }
  if (fields.length === 0) return true;
  const known = auditFields(record);
  return fields.every(({ name, value }) => {
    const audit = auditNames.find((one) => one === name);
    if (audit !== undefined) return String(known[audit] ?? '') === value;
    if (name === 'stream' || name === 'seq' || name === 'hash') return String(record[name]) === value;
    return valuesAt(record.event, name.split('.')).some((one) => String(one) === value);
  });
}

/** The values at a dotted name; a list stands for each of its entries. */
function valuesAt(value: unknown, path: readonly string[]): unknown[] {
  if (Array.isArray(value)) return value.flatMap((entry) => valuesAt(entry, path));
  const [step, ...rest] = path;
  if (step === undefined) return [value];
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return [];
  return valuesAt((value as Record<string, unknown>)[step], rest);
}
