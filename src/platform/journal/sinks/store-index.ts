// The index that `journal search` reads: journal records in a table of their own, on SQLite or PostgreSQL, each once by its hash.
import type { Kysely } from 'kysely';
import { openStore, type Store, type StoreLocation } from '../../store/store.ts';
import type { JournalIndexRow, Tables } from '../../store/tables.ts';
import type { JournalRecord } from '../record.ts';
import { auditFields } from './audit-fields.ts';
import { type Sink, SinkAway } from './sink.ts';

/** Rows of one statement: SQLite binds at most 32,766 values. */
const rowsAtOnce = 200;

export function openStoreIndex(location: StoreLocation): Sink {
  let opening: Promise<Store> | undefined;
  return {
    async send(records) {
      opening ??= openStore(location);
      const { db, health } = await opening;
      try {
        // As one: each transaction waits for the disk, and so does the journal beside it.
        await db.transaction().execute(async (all) => {
          for (let from = 0; from < records.length; from += rowsAtOnce)
            await insertRows(all, records.slice(from, from + rowsAtOnce).map(rowOf));
        });
      } catch (error) {
        const now = health();
        throw new SinkAway(now.state === 'away' ? now.cause : 'store', undefined, error);
      }
      return { kind: 'taken' };
    },
    async close() {
      await (await opening)?.close();
    },
  };
}

async function insertRows(db: Kysely<Tables>, rows: readonly JournalIndexRow[]): Promise<void> {
  await db
    .insertInto('journal_index')
    .values(rows)
    .onConflict((conflict) => conflict.column('hash').doNothing())
    .execute();
}

function rowOf(record: JournalRecord): JournalIndexRow {
  const { hash, stream, seq, time, event } = record;
  const { event_type, user_id, source_ip, model_used, endpoint } = auditFields(record);
  // PostgreSQL's text holds no zero byte; JSON writes one as an escape, so the record itself is safe.
  const plain = (text: string | null) => (text === null ? null : text.replaceAll('\0', '').slice(0, 1_000));
  return {
    hash,
    stream,
    seq,
    time,
    event_type,
    user_id: plain(user_id),
    source_ip: plain(source_ip),
    model_used: plain(model_used),
    endpoint: plain(endpoint),
    event: JSON.stringify(event),
    prev: record.prev,
  };
}

/** The record as it was written. */
export function recordOfRow({ event, hash, prev, seq, stream, time }: JournalIndexRow): JournalRecord {
  const parsed = JSON.parse(event) as JournalRecord['event'];
  return { event: parsed, hash, prev, seq: Number(seq), stream, time: Number(time) };
}
