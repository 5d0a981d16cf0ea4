// Requests that wait for their answer: sealed texts, a place in the queue, a lease while one is worked on, and their delivery.
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  const { schema } = db;
  await schema
    .createTable('deferred_requests')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('subject', 'text', (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('model', 'text', (column) => column.notNull())
    .addColumn('rank', 'integer', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('attempts', 'integer', (column) => column.notNull())
    .addColumn('crashes', 'integer', (column) => column.notNull())
    .addColumn('size', 'integer', (column) => column.notNull())
    .addColumn('key_id', 'text', (column) => column.notNull())
    .addColumn('idempotency', 'text')
    .addColumn('body_hash', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('deadline_at', 'bigint', (column) => column.notNull())
    .addColumn('expected_at', 'bigint', (column) => column.notNull())
    .addColumn('free_at', 'bigint', (column) => column.notNull())
    .addColumn('node', 'text')
    .addColumn('code', 'text')
    .addColumn('ended_at', 'bigint')
    .addColumn('erase_at', 'bigint')
    .addColumn('delivery', 'text', (column) => column.notNull())
    .addColumn('delivery_attempts', 'integer', (column) => column.notNull())
    .addColumn('delivery_at', 'bigint', (column) => column.notNull())
    // Last, so that what is counted is read without them.
    .addColumn('webhook', 'text')
    .addColumn('request', 'text')
    .addColumn('answer', 'text')
    .execute();
  const index = (name: string) => schema.createIndex(name).on('deferred_requests');
  await index('deferred_to_take').columns(['state', 'rank', 'created_at', 'id']).execute();
  await index('deferred_of_subject').columns(['subject', 'state']).execute();
  await index('deferred_to_erase').columns(['erase_at']).execute();
  await index('deferred_once').unique().columns(['idempotency']).execute();
}
