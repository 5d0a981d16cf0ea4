// Deadlines of incidents, what is to be told to whom, heightened monitoring, and the checklist after an incident.
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  const { schema } = db;
  await schema
    .createTable('respond_deadlines')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('incident', 'text', (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('level', 'text', (column) => column.notNull())
    .addColumn('due_at', 'bigint', (column) => column.notNull())
    .addColumn('round', 'integer', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('held_until', 'bigint', (column) => column.notNull())
    .execute();
  await schema.createIndex('respond_deadlines_due').on('respond_deadlines').columns(['state', 'due_at']).execute();
  await schema
    .createTable('respond_outbox')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('incident', 'text', (column) => column.notNull())
    .addColumn('lane', 'text', (column) => column.notNull())
    .addColumn('position', 'bigint', (column) => column.notNull())
    .addColumn('channel', 'text', (column) => column.notNull())
    .addColumn('contact', 'text', (column) => column.notNull())
    .addColumn('what', 'text', (column) => column.notNull())
    .addColumn('notice', 'text', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('attempts', 'integer', (column) => column.notNull())
    .addColumn('free_at', 'bigint', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('ended_at', 'bigint')
    .addColumn('code', 'text')
    .execute();
  // One lane is emptied in order: its head is looked for again and again.
  await sql`create index respond_outbox_waiting on respond_outbox (lane, position) where state = 'waiting'`.execute(db);
  await schema.createIndex('respond_outbox_incident').on('respond_outbox').columns(['incident']).execute();
  await schema
    .createTable('respond_heightened')
    .addColumn('incident', 'text', (column) => column.primaryKey())
    .addColumn('type', 'text', (column) => column.notNull())
    .addColumn('from_at', 'bigint', (column) => column.notNull())
    .addColumn('until_at', 'bigint', (column) => column.notNull())
    .execute();
  await schema
    .createTable('respond_checklist')
    .addColumn('incident', 'text', (column) => column.notNull())
    .addColumn('point', 'text', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('evidence', 'text', (column) => column.notNull())
    .addColumn('checked_at', 'bigint', (column) => column.notNull())
    .addColumn('ticked_by', 'text')
    .addColumn('ticked_at', 'bigint')
    .addColumn('note', 'text')
    .addPrimaryKeyConstraint('respond_checklist_key', ['incident', 'point'])
    .execute();
}
