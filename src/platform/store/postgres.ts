// The store on PostgreSQL: Kysely's own dialect over pg, each client watched for the database's absence.
import { PostgresDialect } from 'kysely';
import pg from 'pg';
import type { AwayCause, Backend, Gate } from './backend.ts';

const connectMs = 1_000;
const probeMs = 1_000;

export function postgresBackend(url: string, maxConnections = 10): Backend {
  let pool = createPool(url, maxConnections);
  // The proof has a connection of its own: a pool that is busy is not a database that is away.
  let prober: pg.Client | null = null;

  const drop = async (): Promise<void> => {
    const [oldPool, oldProber] = [pool, prober];
    pool = createPool(url, maxConnections);
    prober = null;
    // Not awaited: a connection into nothing can take minutes to close.
    oldPool.end().catch(() => undefined);
    oldProber?.end().catch(() => undefined);
  };
  return {
    kind: 'postgres',
    async open() {
      const client = new pg.Client({ ...clientConfig(url), connectionTimeoutMillis: connectMs });
      client.on('error', () => undefined);
      try {
        await client.connect();
        await prove(client);
      } catch (error) {
        client.end().catch(() => undefined);
        throw error;
      }
      prober?.end().catch(() => undefined);
      prober = client;
    },
    async probe() {
      if (prober === null) throw Object.assign(new Error('no connection'), { code: 'ECONNRESET' });
      await prove(prober);
    },
    drop,
    async close() {
      await prober?.end().catch(() => undefined);
      await pool.end();
    },
    classify,
    dialect: (gate) => new PostgresDialect({ pool: watchedPool(() => pool, gate) }),
  };
}

function clientConfig(url: string): pg.ClientConfig {
  return {
    connectionString: url,
    application_name: 'rempart',
    keepAlive: true,
    query_timeout: 15_000,
    types: { getTypeParser: typeParser },
  };
}

/** int8 is our milliseconds and counts, which stay below 2^53; pg would give strings. */
const typeParser: pg.CustomTypesConfig['getTypeParser'] = (oid, format) =>
  oid === pg.types.builtins.INT8 ? Number : pg.types.getTypeParser(oid, format);

function createPool(url: string, max: number): pg.Pool {
  const pool = new pg.Pool({ ...clientConfig(url), max, connectionTimeoutMillis: connectMs });
  pool.on('error', () => undefined);
  // A client that is in use when its server dies emits `error` beside rejecting its query; unheard it would end the process.
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

async function prove(client: pg.Client): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' })), probeMs);
  });
  try {
    const query = client.query<{ readonly: string }>(
      "select current_setting('transaction_read_only') as readonly, (select count(*) from pg_catalog.pg_class) as read",
    );
    const { rows } = await Promise.race([query, late]);
    if (rows[0]?.readonly === 'on') throw Object.assign(new Error('read only'), { code: '25006' });
  } finally {
    clearTimeout(timer);
  }
}

interface WatchedClient {
  query<R>(sql: string, parameters: readonly unknown[]): Promise<pg.QueryResult<R & pg.QueryResultRow>>;
  release(discard?: boolean): void;
}

function watchedPool(current: () => pg.Pool, gate: Gate) {
  return {
    options: {},
    // The store ends the pool itself; several Kysely objects share it.
    end: async () => undefined,
    async connect() {
      const visit = gate.enter();
      const connecting = current().connect();
      try {
        return watchedClient(await gate.pass(connecting), gate, visit);
      } catch (error) {
        // Given up on: when it arrives after all, it goes back unused.
        connecting.then(
          (client) => client.release(true),
          () => undefined,
        );
        throw error;
      }
    },
  } as unknown as ConstructorParameters<typeof PostgresDialect>[0]['pool'];
}

function watchedClient(client: pg.PoolClient, gate: Gate, visit: number): WatchedClient {
  let spoiled = false;
  return {
    async query<R>(sql: string, parameters: readonly unknown[]) {
      try {
        gate.enter(visit);
        return await gate.pass(client.query<R & pg.QueryResultRow>(sql, parameters as unknown[]));
      } catch (error) {
        // A query's own error carries a five-character SQLSTATE and leaves a usable connection; anything else may not.
        spoiled ||= !isQueryError(error);
        throw error;
      }
    },
    release: (discard) => client.release(spoiled || discard === true),
  };
}

function isQueryError(error: unknown): boolean {
  return classify(error) === null && /^[0-9A-Z]{5}$/.test(codeOf(error));
}

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
}

/** SQLSTATEs: https://www.postgresql.org/docs/current/errcodes-appendix.html */
function classify(error: unknown): AwayCause | null {
  if (!(error instanceof Error)) return null;
  const code = codeOf(error);
  if (code === '53300') return 'connections-exhausted';
  if (code === '53100') return 'full';
  if (code === '25006') return 'readonly';
  if (code === '55P03') return 'locked';
  if (/^57P0[1-5]$/.test(code)) return 'stopped';
  if (/^(28|3D)/.test(code) && code.length === 5) return 'refused';
  if (/^08/.test(code) && code.length === 5) return 'unreachable';
  if (/^(58|XX)/.test(code) && code.length === 5) return 'io';
  if (/^E(CONN|TIMEDOUT|HOST|NET|PIPE|AI_|NOTFOUND|ADDR)/.test(code)) return 'unreachable';
  // pg gives these no code.
  if (
    /Connection terminated|timeout exceeded when trying to connect|timeout expired|not queryable|Query read timeout|after calling end/.test(
      error.message,
    )
  ) {
    return 'unreachable';
  }
  return null;
}
