// What drills showed, and when those that come by themselves are due.
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  const { schema } = db;
  await schema
    .createTable('drills')
    .addColumn('scenario', 'text', (column) => column.notNull())
    .addColumn('at', 'bigint', (column) => column.notNull())
    .addColumn('type', 'text', (column) => column.notNull())
    .addColumn('result', 'text', (column) => column.notNull())
    .addColumn('detected_ms', 'double precision')
    .addColumn('contained_ms', 'double precision')
    .addColumn('document', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('drills_key', ['scenario', 'at'])
    .execute();
  await schema
    .createTable('drill_schedule')
    .addColumn('name', 'text', (column) => column.primaryKey())
    .addColumn('due_at', 'bigint', (column) => column.notNull())
    .addColumn('began_at', 'bigint')
    .execute();
}
