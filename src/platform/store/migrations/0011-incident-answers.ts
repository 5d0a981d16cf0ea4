// What an incident still waits for: its place in the journal, and the run of its playbook.
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  const { schema } = db;
  // The version that the journal has; behind `version` after a crash between the two.
  await schema
    .alterTable('incidents')
    .addColumn('journalled', 'integer', (column) => column.notNull().defaultTo(0))
    .execute();
  // wanted, started, or none.
  await schema
    .alterTable('incidents')
    .addColumn('answer', 'text', (column) => column.notNull().defaultTo('wanted'))
    .execute();
  await schema.createIndex('incidents_by_time').on('incidents').columns(['detected_at']).execute();
}
