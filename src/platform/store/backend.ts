// What a database must offer so that the store can live with its absences; sqlite.ts and postgres.ts implement it.
import type { Dialect } from 'kysely';

/** Why the database is away: a fixed list of words, fit for `readyz` and metrics. */
export type AwayCause =
  | 'starting'
  | 'corrupted'
  | 'locked'
  | 'readonly'
  | 'missing'
  | 'unreachable'
  | 'stopped'
  | 'connections-exhausted'
  | 'refused'
  | 'full'
  | 'io'
  | 'schema'
  | 'closed';

export interface Backend {
  readonly kind: 'sqlite' | 'postgres';
  /** Opens anew and proves it by a read and a write that is rolled back. */
  open(): Promise<void>;
  /** The same proof while in use. */
  probe(): Promise<void>;
  /** Gives up the handle in use, without harm to files that may be garbage now and right again later. */
  drop(): Promise<void>;
  close(): Promise<void>;
  /** The cause when an error is the database's absence; null when it is the query's own. */
  classify(error: unknown): AwayCause | null;
  dialect(gate: Gate): Dialect;
}

/** Stands before every query. */
export interface Gate {
  /**
   * Throws ERR_STORE_AWAY at once while the database is away, and also when it was away since `visit` (an earlier
   * answer of enter()): a transaction must not go on after an absence that lost its beginning.
   */
  enter(visit?: number): number;
  /** Ends with ERR_STORE_AWAY as soon as the database goes away, whatever the work still does. */
  pass<T>(work: Promise<T>): Promise<T>;
}

export const openGate: Gate = { enter: () => 0, pass: (work) => work };
