// A database of the method's own on a PostgreSQL server, so that each method finds it empty and the owner's tables are never touched.
import { randomBytes } from 'node:crypto';
import type { Client } from 'pg';

export interface FreshDatabase {
  name: string;
  drop(): Promise<void>;
}

/** Null where the server cannot be reached or the user may not create one: then the given database is used as it is. */
export async function createFreshDatabase(url: string): Promise<FreshDatabase | null> {
  for (const left of await abandoned(url)) await tell(url, `DROP DATABASE IF EXISTS ${left}`);
  const name = `rempart_run_${randomBytes(6).toString('hex')}`;
  if ((await tell(url, `CREATE DATABASE ${name}`)) === null) return null;
  // As long as this process lives, somebody is connected: that is how others know that it is in use.
  const own = new URL(url);
  own.pathname = `/${name}`;
  const presence = await connected(own.href);
  return {
    name,
    drop: async () => {
      await presence?.end().catch(() => undefined);
      await tell(url, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    },
  };
}

/** Our user's databases of runs that were killed: nobody is connected to them. */
async function abandoned(url: string): Promise<string[]> {
  const found = await tell(
    url,
    `SELECT datname FROM pg_database d WHERE datname ~ '^rempart_run_[0-9a-f]{12}$'
       AND pg_get_userbyid(datdba) = current_user
       AND NOT EXISTS (SELECT 1 FROM pg_stat_activity a WHERE a.datname = d.datname)`,
  );
  return (found ?? []).map(({ datname }) => String(datname));
}

/** The rows of one statement; null when it failed. */
async function tell(url: string, statement: string): Promise<Record<string, unknown>[] | null> {
  const client = await connected(url);
  if (client === null) return null;
  try {
    return (await client.query(statement)).rows as Record<string, unknown>[];
  } catch {
    return null;
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function connected(url: string): Promise<Client | null> {
  const { default: pg } = await import('pg');
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 3000, query_timeout: 5000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return client;
  } catch {
    await client.end().catch(() => undefined);
    return null;
  }
}
