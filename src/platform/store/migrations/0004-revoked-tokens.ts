// Access tokens that no longer count, by their id or by their subject.
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('revoked_tokens')
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('value', 'text', (column) => column.notNull())
    .addColumn('revoked_at', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('revoked_tokens_pk', ['kind', 'value'])
    .execute();
}
