// The queue of deferred requests over the store: each step is one statement, so that no two nodes ever hold one request and no answer comes twice.
import { type SqlBool, sql } from 'kysely';
import { isAlreadyThere } from '../../platform/store/store.ts';
import type { DeferredState, Ending, Entry, Held, NewEntry } from './entry.ts';
import { active, createLooks } from './queue-looks.ts';
import { changed, clockOf, entryOf, type QueueParts } from './queue-rows.ts';

export interface QueueLimits {
  /** Requests that wait or run, of everybody and of one user. */
  most: number;
  mostPerUser: number;
  /** Bytes of their texts. */
  mostBytes: number;
  /** How long what has ended is kept, and how long once it was delivered. */
  keepMs: number;
  keepDeliveredMs: number;
}

export interface Queue {
  /** `full`: there is no room for it. One with the same idempotency key is given back instead. */
  add(entry: NewEntry): Promise<{ entry: Entry; added: boolean } | 'full'>;
  find(id: string): Promise<Entry | undefined>;
  sameAs(idempotency: string): Promise<Entry | undefined>;
  /** How many are served before it. */
  ahead(entry: Entry): Promise<number>;
  /** True when it was waiting or running. */
  cancel(id: string): Promise<boolean>;
  /** The request that is this node's until the lease ends; not of these models, which cannot be asked now. */
  claim(node: string, leaseMs: number, except: { models: readonly string[] }): Promise<Entry | undefined>;
  /** These all answer false when the request is no longer this attempt's. */
  renew(held: Held, leaseMs: number): Promise<boolean>;
  end(held: Held, ending: Ending): Promise<boolean>;
  postpone(held: Held, waits: { tryMs: number; expectedMs: number }, code: string): Promise<boolean>;
  /** What a node that is no more was working on waits again, all of it: for the only node there is. */
  takeBack(): Promise<void>;
  /** Whatever made them wait may be over: all may be taken now. */
  hurry(): Promise<void>;
  /** Those whose deadline has passed; their questions stay until they are wiped. */
  expire(): Promise<Entry[]>;
  wipe(id: string): Promise<void>;
  /** It was given to who asked for it. */
  delivered(id: string): Promise<void>;
  /** Removes what was kept long enough. */
  erase(): Promise<void>;
  /** `due`: webhooks that are to be told. */
  counts(): Promise<{ waiting: number; running: number; due: number; oldestMs: number }>;
}

/** So many nodes have died over it: it would take every other one down as well. */
const mostCrashes = 3;

export function createQueue(parts: QueueParts, limits: QueueLimits): Queue {
  const { db, kind, keyId } = parts;
  const { now, later } = clockOf(parts);
  const { mine, one, hasRoom, ahead, counts } = createLooks(parts, limits);
  const held = ({ id, node, attempts }: Held) =>
    db
      .updateTable('deferred_requests')
      .where('id', '=', id)
      .where('state', '=', 'running')
      .where('node', '=', node)
      .where('attempts', '=', attempts);
  /** Its question is not needed any more; whoever has a webhook is to be told. */
  const over = (state: DeferredState, code: string | null) => ({ ...closed(state, code), request: null });
  const closed = (state: DeferredState, code: string | null) => ({
    state,
    code,
    node: null,
    ended_at: now(),
    erase_at: later(limits.keepMs),
    delivery: sql<string>`case when delivery = 'waiting' then 'due' else delivery end`,
    delivery_at: now(),
  });

  return {
    async add({ id, subject, model, rank, idempotency, bodyHash, request, webhook, ...given }) {
      const known = idempotency === undefined ? undefined : await one('idempotency', idempotency);
      if (known !== undefined) return { entry: known, added: false };
      const size = request.length + (webhook?.length ?? 0);
      if (!(await hasRoom(subject, size))) return 'full';
      const row = { id, subject, model, rank, request, size, kind: given.kind, key_id: keyId, body_hash: bodyHash };
      const begun = { state: 'waiting', attempts: 0, crashes: 0, node: null, code: null, ended_at: null };
      const until = {
        created_at: now(),
        deadline_at: later(given.deadlineMs),
        expected_at: later(given.expectedMs),
        free_at: later(given.firstTryMs),
        erase_at: null,
        idempotency: idempotency ?? null,
        webhook: webhook ?? null,
        delivery: webhook === undefined ? 'none' : 'waiting',
        delivery_attempts: 0,
        delivery_at: now(),
        answer: null,
      };
      try {
        const insert = db.insertInto('deferred_requests').values({ ...row, ...begun, ...until });
        return { entry: entryOf(await insert.returningAll().executeTakeFirstOrThrow()), added: true };
      } catch (error) {
        // Two retries of one request that came together: the second one is the first.
        const first =
          isAlreadyThere(error) && idempotency !== undefined ? await one('idempotency', idempotency) : undefined;
        if (first === undefined) throw error;
        return { entry: first, added: false };
      }
    },
    find: (id) => one('id', id),
    sameAs: (idempotency) => one('idempotency', idempotency),
    ahead,
    counts,
    async cancel(id) {
      const cancelled = db
        .updateTable('deferred_requests')
        .set({ ...over('cancelled', 'ERR_DEFERRED_CANCELLED'), erase_at: later(limits.keepDeliveredMs) })
        .where('id', '=', id)
        .where('state', 'in', active);
      return changed(await cancelled.executeTakeFirst());
    },
    async claim(node, leaseMs, { models }) {
      await db
        .updateTable('deferred_requests')
        .set(over('failed', 'ERR_DEFERRED_ABANDONED'))
        .where('state', '=', 'running')
        .where('free_at', '<=', now())
        .where('crashes', '>=', mostCrashes - 1)
        .execute();
      const free = mine()
        .select('id')
        .where('state', 'in', active)
        .where('free_at', '<=', now())
        .where('deadline_at', '>', now())
        .$if(models.length > 0, (query) => query.where('model', 'not in', models))
        .orderBy('rank')
        .orderBy('created_at')
        .orderBy('id')
        .limit(1);
      const row = await db
        .updateTable('deferred_requests')
        .set({
          state: 'running',
          node,
          free_at: later(leaseMs),
          attempts: sql`attempts + 1`,
          crashes: sql`case when state = 'running' then crashes + 1 else crashes end`,
        })
        .where('id', '=', kind === 'postgres' ? free.forUpdate().skipLocked() : free)
        .returningAll()
        .executeTakeFirst();
      return row === undefined ? undefined : entryOf(row);
    },
    async renew(one, leaseMs) {
      return changed(
        await held(one)
          .set({ free_at: later(leaseMs) })
          .executeTakeFirst(),
      );
    },
    async end(one, ending) {
      const { state } = ending;
      const answer = ending.state === 'answered' ? ending.answer : null;
      const code = ending.state === 'answered' ? null : ending.code;
      return changed(
        await held(one)
          .set({ ...over(state, code), answer })
          .executeTakeFirst(),
      );
    },
    async postpone(one, { tryMs, expectedMs }, code) {
      const waits = { state: 'waiting', node: null, code, free_at: later(tryMs), expected_at: later(expectedMs) };
      return changed(await held(one).set(waits).executeTakeFirst());
    },
    async takeBack() {
      await db
        .updateTable('deferred_requests')
        .set({ free_at: now() })
        .where('state', '=', 'running')
        .where('key_id', '=', keyId)
        .execute();
    },
    async hurry() {
      await db
        .updateTable('deferred_requests')
        .set({ free_at: now() })
        .where('state', '=', 'waiting')
        .where('free_at', '>', now())
        .execute();
    },
    async expire() {
      const rows = await db
        .updateTable('deferred_requests')
        .set(closed('expired', 'ERR_DEFERRED_EXPIRED'))
        .where('deadline_at', '<=', now())
        .where(sql<SqlBool>`(state = 'waiting' or (state = 'running' and free_at <= ${now()}))`)
        .returningAll()
        .execute();
      return rows.map(entryOf);
    },
    async wipe(id) {
      await db.updateTable('deferred_requests').set({ request: null }).where('id', '=', id).execute();
    },
    async delivered(id) {
      await db
        .updateTable('deferred_requests')
        .set({ erase_at: later(limits.keepDeliveredMs) })
        .where('id', '=', id)
        .where('state', 'not in', active)
        .where('erase_at', '>', later(limits.keepDeliveredMs))
        .execute();
    },
    async erase() {
      await db.deleteFrom('deferred_requests').where('erase_at', '<=', now()).execute();
    },
  };
}
