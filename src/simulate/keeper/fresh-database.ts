// A database of the method's own on a PostgreSQL server, so that each method finds it empty and the owner's tables are never touched.
import { randomBytes } from 'node:crypto';

export interface FreshDatabase {
  name: string;
  drop(): Promise<void>;
}

/** Null where the server cannot be reached or the user may not create one: then the given database is used as it is. */
export async function createFreshDatabase(url: string): Promise<FreshDatabase | null> {
  const name = `rempart_run_${randomBytes(6).toString('hex')}`;
  if (!(await tell(url, `CREATE DATABASE ${name}`))) return null;
  return {
    name,
    drop: async () => {
      await tell(url, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    },
  };
}

async function tell(url: string, statement: string): Promise<boolean> {
  const { default: pg } = await import('pg');
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 3000, query_timeout: 5000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query(statement);
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}
