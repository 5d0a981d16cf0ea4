// A row of the queue as an entry, and the clock that decides when a lease ends.
import { type Selectable, sql } from 'kysely';
import type { Store } from '../../platform/store/store.ts';
import type { DeferredRequestRow } from '../../platform/store/tables.ts';
import type { DeferredKind, DeferredState, Delivery, Entry } from './entry.ts';

export interface QueueParts extends Pick<Store, 'db' | 'kind'> {
  /** Texts sealed with another key are another instance's. */
  keyId: string;
  now: () => number;
}

/** Nodes' clocks differ: the one of the server that they share decides when a lease ends. */
export function clockOf({ kind, now: clock }: Pick<QueueParts, 'kind' | 'now'>) {
  const now = () =>
    kind === 'postgres'
      ? sql<number>`(extract(epoch from clock_timestamp()) * 1000)::bigint`
      : sql<number>`cast(${Math.trunc(clock())} as integer)`;
  return { now, later: (ms: number) => sql<number>`${now()} + ${Math.trunc(ms)}` };
}

export function changed({ numUpdatedRows }: { numUpdatedRows: bigint }): boolean {
  return numUpdatedRows === 1n;
}

export function entryOf(row: Selectable<DeferredRequestRow>): Entry {
  const { id, subject, model, rank, attempts, code, request, answer, webhook } = row;
  return {
    id,
    subject,
    model,
    rank,
    attempts,
    code,
    request,
    answer,
    webhook,
    kind: row.kind as DeferredKind,
    state: row.state as DeferredState,
    createdAt: row.created_at,
    deadlineAt: row.deadline_at,
    expectedAt: row.expected_at,
    bodyHash: row.body_hash,
    endedAt: row.ended_at,
    delivery: row.delivery as Delivery,
    deliveryAttempts: row.delivery_attempts,
  };
}
