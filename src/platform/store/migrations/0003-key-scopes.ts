// What a key may be used for, and which key it took over from.
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  // One column at a time: SQLite adds no two at once.
  for (const column of ['models', 'routes', 'replaces'])
    await db.schema.alterTable('api_keys').addColumn(column, 'text').execute();
}
