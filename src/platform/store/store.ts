// The store: queries while its database is there, ERR_STORE_AWAY within milliseconds while it is not, and back by itself.
import { Kysely } from 'kysely';
import { RempartError } from '../base/errors.ts';
import { type AwayCause, type Backend, type Gate, openGate } from './backend.ts';
import { migrate } from './migrate.ts';
import { postgresBackend } from './postgres.ts';
import { sqliteBackend } from './sqlite.ts';
import type { Tables } from './tables.ts';

export type StoreHealth = { state: 'open'; since: number } | { state: 'away'; since: number; cause: AwayCause };

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
  const watch = createWatch(backend, options);
  await watch.start();
  return {
    db: new Kysely<Tables>({ dialect: backend.dialect(watch.gate) }),
    kind: backend.kind,
    health: watch.health,
    onChange: watch.onChange,
    close: watch.close,
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

interface Watch {
  gate: Gate;
  start(): Promise<void>;
  health(): StoreHealth;
  onChange: Store['onChange'];
  close(): Promise<void>;
}

function createWatch(backend: Backend, options: StoreOptions): Watch {
  const { now = Date.now, probeEveryMs = 500, onError = () => undefined } = options;
  let health: StoreHealth = { state: 'away', since: now(), cause: 'starting' };
  let closed = false;
  // Counts the openings: what began before an absence is not of the present.
  let visit = 0;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();
  let retryMs = firstRetryMs;
  const listeners = new Set<(health: StoreHealth) => void>();
  const waiting = new Set<(error: RempartError) => void>();
  const internal = new Kysely<unknown>({ dialect: backend.dialect(openGate) });

  const change = (next: StoreHealth): void => {
    health = next;
    for (const listener of listeners) listener(next);
  };
  const schedule = (ms: number, work: () => Promise<void>): void => {
    clearTimeout(timer);
    if (closed) return;
    timer = setTimeout(() => {
      running = work();
    }, ms);
    timer.unref();
  };
  const awayError = (cause?: unknown): RempartError =>
    new RempartError(
      'ERR_STORE_AWAY',
      { seconds: 2, cause: health.state === 'away' ? health.cause : 'starting' },
      cause,
    );

  const goAway = (cause: AwayCause): void => {
    if (health.state === 'away') {
      // The first cause found while away is told once more when it turns out to be another one.
      if (health.cause !== cause) change({ ...health, cause });
      return;
    }
    change({ state: 'away', since: now(), cause });
    const error = awayError();
    for (const reject of waiting) reject(error);
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
      if (closed) return;
      const cause = backend.classify(error);
      if (cause === null) onError(error);
      goAway(cause ?? 'schema');
      schedule(retryMs, reopen);
      retryMs = Math.min(maxRetryMs, retryMs * 1.5);
      return;
    }
    if (closed) return;
    visit += 1;
    change({ state: 'open', since: now() });
    schedule(probeEveryMs, probe);
  };

  const probe = async (): Promise<void> => {
    try {
      await backend.probe();
      if (health.state === 'open') schedule(probeEveryMs, probe);
    } catch (error) {
      if (!closed) goAway(backend.classify(error) ?? 'io');
    }
  };

  const gate: Gate = {
    enter(began = visit) {
      if (health.state === 'away' || began !== visit) throw awayError();
      return visit;
    },
    pass: (work) =>
      new Promise((resolve, reject) => {
        const began = visit;
        waiting.add(reject);
        work
          .then(resolve, (error: unknown) => {
            const cause = backend.classify(error);
            if (cause === null) return reject(error);
            if (began === visit) goAway(cause);
            reject(awayError(error));
          })
          .finally(() => waiting.delete(reject));
      }),
  };

  return {
    gate,
    start: () => {
      running = reopen();
      return running;
    },
    health: () => health,
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {
      if (closed) return;
      closed = true;
      clearTimeout(timer);
      await running;
      health = { state: 'away', since: now(), cause: 'closed' };
      await backend.close();
    },
  };
}
