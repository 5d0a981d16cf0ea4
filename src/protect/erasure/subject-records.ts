// What the store holds of people: read for an export, erased for good, and what is older than its period.
import { type Kysely, sql } from 'kysely';
import type { PrivacyExport } from '../../platform/documents/privacy.ts';
import type { Store } from '../../platform/store/store.ts';
import type { Tables } from '../../platform/store/tables.ts';

type Database = Kysely<Tables>;

export type ExportedConversation = PrivacyExport['conversations'][number];

export interface Erased {
  conversations: number;
  messages: number;
  settings: number;
}

export async function conversationsOf(db: Database, subject: string): Promise<ExportedConversation[]> {
  const own = await db
    .selectFrom('conversations')
    .selectAll()
    .where('subject', '=', subject)
    .orderBy('created_at')
    .execute();
  const found: ExportedConversation[] = [];
  for (const { id, created_at, updated_at } of own) {
    const rows = await db
      .selectFrom('messages')
      .selectAll()
      .where('conversation', '=', id)
      .orderBy('position')
      .execute();
    found.push({
      id,
      startedAt: instant(created_at),
      lastAt: instant(updated_at),
      messages: rows.map(({ role, text, created_at: at, complete }) => ({
        // An answer that the model did not write is the assistant's too.
        role: role === 'user' ? 'user' : 'assistant',
        text,
        at: instant(at),
        complete: complete === 1,
      })),
    });
  }
  return found;
}

function instant(ms: number | string): string {
  return new Date(Number(ms)).toISOString();
}

export async function settingsOf(db: Database, subject: string): Promise<Record<string, string>> {
  const rows = await db.selectFrom('settings').selectAll().where('subject', '=', subject).execute();
  return Object.fromEntries(rows.map(({ name, value }) => [name, value]));
}

/** Whose conversation it is; undefined when there is none. */
export async function ownerOf(db: Database, conversation: string): Promise<string | undefined> {
  const row = await db.selectFrom('conversations').select('subject').where('id', '=', conversation).executeTakeFirst();
  return row?.subject;
}

/** How much an erasure would take away. */
export async function countOf(db: Database, subject: string, conversation?: string): Promise<Erased> {
  let own = db.selectFrom('conversations').select('id').where('subject', '=', subject);
  if (conversation !== undefined) own = own.where('id', '=', conversation);
  const ids = (await own.execute()).map(({ id }) => id);
  let messages = 0;
  for (const some of inSlices(ids)) {
    const counted = await db
      .selectFrom('messages')
      .select(({ fn }) => fn.countAll<number | string>().as('count'))
      .where('conversation', 'in', some)
      .executeTakeFirstOrThrow();
    messages += Number(counted.count);
  }
  const settings = conversation === undefined ? Object.keys(await settingsOf(db, subject)).length : 0;
  return { conversations: ids.length, messages, settings };
}

/** All of a subject, or one of its conversations; in one transaction, so that a half is never left. */
export async function eraseOf(db: Database, subject: string, conversation?: string): Promise<Erased> {
  return db.transaction().execute(async (transaction) => {
    let own = transaction.selectFrom('conversations').select('id').where('subject', '=', subject);
    if (conversation !== undefined) own = own.where('id', '=', conversation);
    const erased = await eraseConversations(
      transaction,
      (await own.execute()).map(({ id }) => id),
    );
    if (conversation !== undefined) return { ...erased, settings: 0 };
    const gone = await transaction.deleteFrom('settings').where('subject', '=', subject).executeTakeFirst();
    return { ...erased, settings: Number(gone.numDeletedRows) };
  });
}

/** The oldest of those whose last message is from before; at most so many, so that no request waits for it. */
export async function expiredConversations(db: Database, before: number, most: number) {
  return db
    .selectFrom('conversations')
    .select(['id', 'subject'])
    .where('updated_at', '<', before)
    .orderBy('updated_at')
    .limit(most)
    .execute();
}

/** Those that nobody has gone on with since they were chosen. */
export async function eraseExpired(db: Database, ids: readonly string[], before: number): Promise<Erased> {
  return db.transaction().execute(async (transaction) => {
    const still = await transaction
      .selectFrom('conversations')
      .select('id')
      .where('id', 'in', ids)
      .where('updated_at', '<', before)
      .execute();
    const erased = await eraseConversations(
      transaction,
      still.map(({ id }) => id),
    );
    return { ...erased, settings: 0 };
  });
}

async function eraseConversations(db: Database, ids: readonly string[]) {
  const erased = { conversations: 0, messages: 0 };
  for (const some of inSlices(ids)) {
    const messages = await db.deleteFrom('messages').where('conversation', 'in', some).executeTakeFirst();
    const conversations = await db.deleteFrom('conversations').where('id', 'in', some).executeTakeFirst();
    erased.messages += Number(messages.numDeletedRows);
    erased.conversations += Number(conversations.numDeletedRows);
  }
  return erased;
}

/** SQLite binds at most 32,766 values. */
function* inSlices(ids: readonly string[]): Generator<readonly string[]> {
  for (let from = 0; from < ids.length; from += 1_000) yield ids.slice(from, from + 1_000);
}

/**
 * What SQLite would keep of deleted rows in its write-ahead log is put away; freed pages are overwritten with zeros
 * already. False when somebody reads it just now, or where the database does this in its own time (PostgreSQL).
 */
export async function wipeTraces({ db, kind }: Pick<Store, 'db' | 'kind'>): Promise<boolean> {
  if (kind !== 'sqlite') return false;
  const { rows } = await sql<{ busy: number }>`pragma wal_checkpoint(truncate)`.execute(db);
  return rows[0]?.busy === 0;
}

/** Incidents that name the subject: people decide about those. */
export async function incidentsNaming(db: Database, names: readonly string[]): Promise<number> {
  const counted = await db
    .selectFrom('incidents')
    .select(({ fn }) => fn.countAll<number | string>().as('count'))
    .where(({ or, eb }) => or(names.map((name) => eb('document', 'like', likeOf(name)))))
    .executeTakeFirst();
  return Number(counted?.count ?? 0);
}

/** As JSON holds it; what LIKE would read as a pattern can only find more. */
function likeOf(name: string): string {
  return `%${JSON.stringify(name).slice(1, -1)}%`;
}
