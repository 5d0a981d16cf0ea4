// What a store promises, whatever its database: run by store.test.ts on each of them.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { sql } from 'kysely';
import { isAlreadyThere, type Store, type StoreHealth } from './store.ts';
import type { MessageRow } from './tables.ts';

/** One way of taking the database away from under an open store. */
export interface Absence {
  name: string;
  /** The causes that may be named; several where it depends on what is noticed first. */
  causes: readonly string[];
  begin(): Promise<void> | void;
  end(): Promise<void> | void;
  skip?: string | false;
}

export interface StoreUnderTest {
  name: string;
  open(): Promise<Store>;
  absences: readonly Absence[];
}

export function conversation(id: string) {
  return { id, subject: 'ada', title: 't', created_at: 1_795_298_400_000, updated_at: 1_795_298_400_000 };
}

export function message(id: string, of: string, position: number): MessageRow {
  return { id, conversation: of, position, role: 'user', text: `é ${id}`, complete: 1, created_at: 1_795_298_400_001 };
}

/** However busy the machine is: the limit is there for what never comes. */
export async function until(store: Store, state: StoreHealth['state'], cause?: string): Promise<void> {
  const isSo = () => {
    const health = store.health();
    return health.state === state && (cause === undefined || (health.state === 'away' && health.cause === cause));
  };
  for (const end = performance.now() + 120_000; !isSo(); await pause(5))
    assert.ok(performance.now() < end, `not ${state}, but ${JSON.stringify(store.health())}`);
}

export function testStore({ name, open, absences }: StoreUnderTest): void {
  let store: Store;
  before(async () => {
    store = await open();
    assert.equal(store.health().state, 'open');
  });
  // On a machine that is busy enough a store may be taken for away by itself.
  beforeEach(() => until(store, 'open'));
  after(async () => {
    await store.close();
    await assert.rejects(store.db.selectFrom('settings').selectAll().execute(), { code: 'ERR_STORE_AWAY' });
  });

  test(`openStore() on ${name} keeps rows with their types`, async () => {
    const { db } = store;
    await db.insertInto('conversations').values(conversation('c1')).execute();
    const rows = [message('m1', 'c1', 0), message('m2', 'c1', 1)];
    const inserted = await db.insertInto('messages').values(rows).executeTakeFirst();
    assert.equal(inserted.numInsertedOrUpdatedRows, 2n);
    assert.deepEqual(
      (await db.selectFrom('messages').selectAll().orderBy('position').execute()).map((row) => ({ ...row })),
      rows,
    );
    const updated = await db.updateTable('messages').set({ complete: 0 }).where('id', '=', 'm2').executeTakeFirst();
    assert.equal(updated.numUpdatedRows, 1n);
    const none = await db.selectFrom('api_keys').select('expires_at').executeTakeFirst();
    assert.equal(none, undefined);
  });

  test(`openStore() on ${name} refuses a second row of the same id or position, and stays open`, async () => {
    const { db } = store;
    await db.insertInto('conversations').values(conversation('c2')).execute();
    await db
      .insertInto('messages')
      .values(message('m3', 'c2', 0))
      .execute();
    for (const again of [message('m3', 'c2', 1), message('m4', 'c2', 0)]) {
      await assert.rejects(db.insertInto('messages').values(again).execute(), isAlreadyThere);
    }
    await assert.rejects(
      db
        .insertInto('messages')
        .values(message('m5', 'nowhere', 0))
        .execute(),
      (error) => {
        return !isAlreadyThere(error) && (error as { code?: string }).code !== 'ERR_STORE_AWAY';
      },
    );
    await assert.rejects(sql`select nonsense from nowhere`.execute(db));
    assert.equal(store.health().state, 'open');
  });

  test(`openStore() on ${name} keeps all of a transaction or nothing`, async () => {
    const { db } = store;
    await assert.rejects(
      db.transaction().execute(async (transaction) => {
        await transaction.insertInto('settings').values({ subject: 'ada', name: 'n', value: '1' }).execute();
        throw new Error('changed my mind');
      }),
      /changed my mind/,
    );
    assert.deepEqual(await db.selectFrom('settings').selectAll().execute(), []);
    await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        db.transaction().execute(async (transaction) => {
          await transaction
            .insertInto('settings')
            .values({ subject: 'ada', name: `n${i}`, value: '1' })
            .execute();
          await transaction.updateTable('settings').set({ value: '2' }).where('name', '=', `n${i}`).execute();
        }),
      ),
    );
    const rows = await db.selectFrom('settings').select('value').execute();
    assert.equal(rows.filter((row) => row.value === '2').length, 10);
  });

  for (const absence of absences) {
    const title = `openStore() on ${name} lives through its database being ${absence.name}, losing nothing`;
    test(title, { skip: absence.skip ?? false }, () => liveThrough(store, absence));
  }
}

let absenceNumber = 0;

async function liveThrough(store: Store, absence: Absence): Promise<void> {
  absenceNumber += 1;
  const id = `absence-${absenceNumber}`;
  const seen: StoreHealth[] = [];
  const unsubscribe = store.onChange((health) => seen.push(health));
  await store.db.insertInto('conversations').values(conversation(id)).execute();
  const saved: string[] = [];
  let writing = true;
  // Load throughout: what was acknowledged must be there at the end, what was refused says ERR_STORE_AWAY.
  const writer = (async () => {
    for (let i = 0; writing; i++) {
      const row = message(`${id}-${i}`, id, i);
      await store.db
        .insertInto('messages')
        .values(row)
        .execute()
        .then(
          () => saved.push(row.id),
          (error) => assert.equal(error.code, 'ERR_STORE_AWAY'),
        );
      await pause(5);
    }
  })();
  try {
    await pause(60);
    await absence.begin();
    await whileAway(store, absence).finally(absence.end);
    await until(store, 'open');
    const before = saved.length;
    while (saved.length < before + 3) await pause(5);
  } finally {
    writing = false;
    await writer;
  }
  unsubscribe();
  const rows = await store.db.selectFrom('messages').select('id').where('conversation', '=', id).execute();
  const there = new Set(rows.map((row) => row.id));
  assert.deepEqual(
    saved.filter((row) => !there.has(row)),
    [],
  );
  assert.deepEqual([seen[0]?.state, seen.at(-1)?.state], ['away', 'open']);
}

async function whileAway(store: Store, absence: Absence): Promise<void> {
  await until(store, 'away');
  const began = performance.now();
  for (let i = 0; i < 20; i++) {
    await assert.rejects(store.db.selectFrom('messages').selectAll().execute(), { code: 'ERR_STORE_AWAY' });
  }
  assert.ok(performance.now() - began < 15_000, 'none of twenty waits for an answer that does not come');
  // Long enough for several attempts to open it.
  await pause(900);
  const health = store.health();
  assert.ok(health.state === 'away' && absence.causes.includes(health.cause), JSON.stringify(health));
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
