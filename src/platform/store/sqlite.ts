// The store on SQLite: Kysely's dialect whose driver asks a thread, so that no query runs on the main loop.
import { Worker } from 'node:worker_threads';
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import { RempartError } from '../base/errors.ts';
import { smallThread, threadUrl } from '../base/thread.ts';
import type { AwayCause, Backend, Gate } from './backend.ts';
import type { FromSqlite, SqliteAnswer, ToSqlite } from './sqlite-thread.ts';

/** An error of SQLite as node:sqlite reports it; `errcode` is SQLite's extended result code. */
export class SqliteError extends Error {
  override readonly name = 'SqliteError';
  readonly code: string;
  readonly errcode: number;

  constructor(code: string, errcode: number, message: string) {
    super(message);
    this.code = code;
    this.errcode = errcode;
  }
}

type Unnumbered<T> = T extends { id: number } ? Omit<T, 'id'> : never;
type Ask = (message: Unnumbered<ToSqlite>) => Promise<SqliteAnswer>;

export function sqliteBackend(path: string, busyMs = 2_000): Backend {
  const thread = createThread({ path, busyMs });
  // The handle in use; each connection remembers the one it began on.
  let epoch = 0;
  return {
    kind: 'sqlite',
    open: async () => {
      epoch = (await thread.ask({ kind: 'open' })).epoch;
    },
    probe: async () => {
      await thread.ask({ kind: 'probe' });
    },
    drop: async () => {
      await thread.ask({ kind: 'drop' });
    },
    close: thread.close,
    classify,
    dialect: (gate) => sqliteDialect(() => sqliteConnection(thread.ask, epoch, gate)),
  };
}

function createThread(workerData: { path: string; busyMs: number }): { ask: Ask; close(): Promise<void> } {
  let lastId = 0;
  let worker: Worker | null = null;
  let closing = false;
  const waiting = new Map<number, { resolve: (answer: SqliteAnswer) => void; reject: (error: Error) => void }>();

  const started = (): Worker => {
    if (worker !== null) return worker;
    const own = new Worker(threadUrl('sqlite-thread', import.meta.url), { workerData, resourceLimits: smallThread });
    own.unref();
    own.on('message', (message: FromSqlite) => {
      const waiter = waiting.get(message.id);
      waiting.delete(message.id);
      if (waiting.size === 0 && !closing) own.unref();
      if (message.ok) waiter?.resolve(message.answer);
      else waiter?.reject(new SqliteError(message.code, message.errcode, message.message));
    });
    // A thread that died is as good as a database that is away: the next open() starts another.
    own.on('error', () => undefined);
    own.on('exit', () => {
      if (worker === own) worker = null;
      for (const { reject } of waiting.values()) reject(new SqliteError('ERR_SQLITE_ERROR', 10, 'the thread ended'));
      waiting.clear();
    });
    worker = own;
    return own;
  };
  const ask: Ask = (message) =>
    new Promise((resolve, reject) => {
      const to = started();
      const id = ++lastId;
      waiting.set(id, { resolve, reject });
      to.ref();
      to.postMessage({ ...message, id });
    });
  return {
    ask,
    async close() {
      if (worker === null) return;
      closing = true;
      const ended = new Promise<void>((resolve) => worker?.once('exit', () => resolve()));
      await ask({ kind: 'close' });
      await ended;
    },
  };
}

function sqliteDialect(connect: () => DatabaseConnection): Dialect {
  const run = (connection: DatabaseConnection, statement: string) =>
    connection.executeQuery(CompiledQuery.raw(statement)).then(() => undefined);
  const driver: Driver = {
    init: async () => undefined,
    acquireConnection: async () => connect(),
    // A deferred transaction that turns into a writer fails at once when another wrote meanwhile; this one waits its turn.
    beginTransaction: (connection) => run(connection, 'begin immediate'),
    commitTransaction: (connection) => run(connection, 'commit'),
    rollbackTransaction: (connection) =>
      run(connection, 'rollback').catch((error: unknown) => {
        // Away: the handle is closed, and its transaction with it.
        if (!(error instanceof RempartError)) throw error;
      }),
    releaseConnection: async () => undefined,
    destroy: async () => undefined,
  };
  return {
    createDriver: () => driver,
    createAdapter: () => new SqliteAdapter(),
    createQueryCompiler: () => new SqliteQueryCompiler(),
    createIntrospector: (db) => new SqliteIntrospector(db),
  };
}

function sqliteConnection(ask: Ask, epoch: number, gate: Gate): DatabaseConnection {
  const visit = enterOrNever(gate);
  return {
    async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
      gate.enter(visit);
      const answer = await gate.pass(ask({ kind: 'query', epoch, sql, parameters }));
      return {
        rows: answer.rows as R[],
        numAffectedRows: BigInt(answer.changes),
        insertId: BigInt(answer.insertId),
      };
    },
    streamQuery(): AsyncIterableIterator<never> {
      throw new TypeError('the store reads whole results');
    },
  };
}

/** Kysely keeps its lock on the one connection for ever when acquiring throws: so acquiring never does, its first query does. */
function enterOrNever(gate: Gate): number {
  try {
    return gate.enter();
  } catch {
    return -1;
  }
}

/** By primary result code (https://sqlite.org/rescode.html) and the thread's own. */
const causes: Readonly<Record<number, AwayCause>> = {
  5: 'locked',
  6: 'locked',
  8: 'readonly',
  10: 'io',
  11: 'corrupted',
  13: 'full',
  14: 'unreachable',
  15: 'locked',
  22: 'io',
  23: 'refused',
  26: 'corrupted',
  9001: 'missing',
  9002: 'corrupted',
  9003: 'corrupted',
};

function classify(error: unknown): AwayCause | null {
  if (!(error instanceof SqliteError)) return null;
  // An fs error of the thread's own look at the files.
  if (/^(EACCES|EPERM|EROFS)$/.test(error.code)) return 'readonly';
  if (/^E[A-Z]+$/.test(error.code)) return error.code === 'ENOENT' ? 'missing' : 'unreachable';
  return causes[error.errcode > 9_000 ? error.errcode : error.errcode & 0xff] ?? null;
}
