// The store: queries while its database is there, ERR_STORE_AWAY within milliseconds while it is not, and back by itself.
import { Kysely } from 'kysely';
import { type AwayCause, type Backend, type Gate, openGate } from './backend.ts';
import { migrate } from './migrate.ts';
import { postgresBackend } from './postgres.ts';
import { createPresence, type StoreHealth } from './presence.ts';
import { sqliteBackend } from './sqlite.ts';
import type { Tables } from './tables.ts';

export type { StoreHealth } from './presence.ts';

export interface Store {
  db: Kysely<Tables>;
  kind: 'sqlite' | 'postgres';
  health(): StoreHealth;
  /** Told of each change between open and away; returns the function that ends it. */
  onChange(listener: (health: StoreHealth) => void): () => void;
  close(): Promise<void>;
}

export type StoreLocation = { path: string } | { url: string };

export interface StoreOptions {
  now?: () => number;
  /** How often a database that is in use is proved to be there. */
  probeEveryMs?: number;
  /** Told of what keeps the database away and is none of the known causes, e.g. a schema that is not ours. */
  onError?: (error: unknown) => void;
}

/** Resolves with or without its database: being away is a state of the store, not a failure to open it. */
export async function openStore(location: StoreLocation, options: StoreOptions = {}): Promise<Store> {
  const backend = 'path' in location ? sqliteBackend(location.path) : postgresBackend(location.url);
  const presence = createPresence(options.now ?? Date.now);
  const { gate, start, close } = createWatch(backend, presence, options);
  await start();
  return {
    db: new Kysely<Tables>({ dialect: backend.dialect(gate) }),
    kind: backend.kind,
    health: presence.health,
    onChange: presence.onChange,
    close,
  };
}

/** Whether a query failed because the row was already there (a repeated save). */
export function isAlreadyThere(error: unknown): boolean {
  const { code, errcode } = error as { code?: unknown; errcode?: unknown };
  // SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE; unique_violation
  return errcode === 1555 || errcode === 2067 || code === '23505';
}

const firstRetryMs = 250;
const maxRetryMs = 1_000;

/** Proves the database again and again while it is there, and opens it again and again while it is not. */
function createWatch(
  backend: Backend,
  presence: ReturnType<typeof createPresence>,
  { now = Date.now, probeEveryMs = 500, onError = () => undefined }: StoreOptions,
): { gate: Gate; start(): Promise<void>; close(): Promise<void> } {
  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();
  let retryMs = firstRetryMs;
  const internal = new Kysely<unknown>({ dialect: backend.dialect(openGate) });

  const schedule = (ms: number, work: () => Promise<void>): void => {
    clearTimeout(timer);
    if (closed) return;
    timer = setTimeout(() => {
      running = work();
    }, ms);
    timer.unref();
  };
  const leave = (cause: AwayCause): void => {
    if (closed || !presence.lost(cause)) return;
    retryMs = firstRetryMs;
    schedule(0, async () => {
      await backend.drop().catch(() => undefined);
      schedule(firstRetryMs, reopen);
    });
  };
  const reopen = async (): Promise<void> => {
    try {
      await backend.open();
      await migrate(internal, backend.kind, now());
    } catch (error) {
      const cause = backend.classify(error);
      if (cause === null) onError(error);
      presence.lost(cause ?? 'schema');
      schedule(retryMs, reopen);
      retryMs = Math.min(maxRetryMs, retryMs * 1.5);
      return;
    }
    if (closed) return;
    presence.opened();
    schedule(probeEveryMs, probe);
  };
  const probe = async (): Promise<void> => {
    try {
      await backend.probe();
      if (presence.health().state === 'open') schedule(probeEveryMs, probe);
    } catch (error) {
      leave(backend.classify(error) ?? 'io');
    }
  };

  return {
    gate: presence.gate(backend.classify, leave),
    start: () => {
      running = reopen();
      return running;
    },
    async close() {
      if (closed) return;
      closed = true;
      clearTimeout(timer);
      await running;
      presence.lost('closed');
      await backend.close();
    },
  };
}
