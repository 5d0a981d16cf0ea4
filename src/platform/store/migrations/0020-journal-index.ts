// The search index over the journal: copies, which may be thrown away and made anew.
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  const { schema } = db;
  await schema
    .createTable('journal_index')
    .addColumn('hash', 'text', (column) => column.primaryKey())
    .addColumn('prev', 'text', (column) => column.notNull())
    .addColumn('stream', 'text', (column) => column.notNull())
    .addColumn('seq', 'bigint', (column) => column.notNull())
    .addColumn('time', 'bigint', (column) => column.notNull())
    .addColumn('event_type', 'text', (column) => column.notNull())
    .addColumn('user_id', 'text')
    .addColumn('source_ip', 'text')
    .addColumn('model_used', 'text')
    .addColumn('endpoint', 'text')
    .addColumn('event', 'text', (column) => column.notNull())
    .execute();
  await schema.createIndex('journal_index_by_time').on('journal_index').columns(['time']).execute();
  await schema.createIndex('journal_index_by_user').on('journal_index').columns(['user_id', 'time']).execute();
  await schema.createIndex('journal_index_by_source').on('journal_index').columns(['source_ip', 'time']).execute();
}
