// Brings a database to the newest schema: numbered steps, each in a transaction of its own, each once.
import { type Kysely, sql } from 'kysely';
import * as firstTables from './migrations/0001-first-tables.ts';
import * as analysisJobs from './migrations/0002-analysis-jobs.ts';
import * as keyScopes from './migrations/0003-key-scopes.ts';
import * as revokedTokens from './migrations/0004-revoked-tokens.ts';
import * as respond from './migrations/0010-respond.ts';
import * as incidentAnswers from './migrations/0011-incident-answers.ts';
import * as after from './migrations/0012-after.ts';
import * as drills from './migrations/0015-drills.ts';
import * as deferred from './migrations/0016-deferred.ts';
import * as journalIndex from './migrations/0020-journal-index.ts';

interface Migration {
  number: number;
  up(db: Kysely<unknown>): Promise<void>;
}

export const migrations: readonly Migration[] = [
  { number: 1, up: firstTables.up },
  { number: 2, up: analysisJobs.up },
  { number: 3, up: keyScopes.up },
  { number: 4, up: revokedTokens.up },
  { number: 20, up: journalIndex.up },
  { number: 10, up: respond.up },
  { number: 12, up: after.up },
  { number: 11, up: incidentAnswers.up },
  { number: 15, up: drills.up },
  { number: 16, up: deferred.up },
];

interface MigrationTable {
  rempart_migrations: { number: number; applied_at: number };
}

/** Any constant: it only has to be the same for all nodes of one database. */
const advisoryLock = 0x72_65_6d_70;

export async function migrate(db: Kysely<unknown>, kind: 'sqlite' | 'postgres', now: number): Promise<void> {
  const own = db as Kysely<MigrationTable>;
  await own.schema
    .createTable('rempart_migrations')
    .ifNotExists()
    .addColumn('number', 'integer', (column) => column.primaryKey())
    .addColumn('applied_at', 'bigint', (column) => column.notNull())
    .execute();
  for (const { number, up } of migrations) {
    if (await isApplied(own, number)) continue;
    await own.transaction().execute(async (transaction) => {
      // Two nodes that start together: the second one waits here, then sees the first one's row.
      if (kind === 'postgres') await sql`select pg_advisory_xact_lock(${advisoryLock})`.execute(transaction);
      if (await isApplied(transaction, number)) return;
      await up(transaction as unknown as Kysely<unknown>);
      await transaction.insertInto('rempart_migrations').values({ number, applied_at: now }).execute();
    });
  }
}

async function isApplied(db: Kysely<MigrationTable>, number: number): Promise<boolean> {
  const row = await db
    .selectFrom('rempart_migrations')
    .select('number')
    .where('number', '=', number)
    .executeTakeFirst();
  return row !== undefined;
}
