// The conformance suite of the queue on node:sqlite, where time is the test's own, and on a real PostgreSQL, where it is the server's: there it is the rows that grow older.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe } from 'node:test';
import { sql } from 'kysely';
import { openStore, type Store } from '../../platform/store/store.ts';
import { startPostgres, type TestPostgres } from '../../platform/store/test-postgres.ts';
import { testQueue } from './queue.conformance.ts';

describe('sqlite', () => {
  const dir = mkdtempSync(join(tmpdir(), 'rempart-deferred-'));
  const clock = { now: Date.parse('2026-06-15T12:00:00Z') };
  let store: Store;
  before(async () => {
    store = await openStore({ path: join(dir, 'store.sqlite') });
  });
  after(async () => {
    await store.close();
    rmSync(dir, { recursive: true, force: true });
  });
  testQueue('node:sqlite', {
    stores: () => [store],
    now: () => clock.now,
    async pass(ms) {
      clock.now += ms;
    },
  });
});

const times = ['created_at', 'deadline_at', 'expected_at', 'free_at', 'ended_at', 'erase_at', 'delivery_at'];

describe('postgres', () => {
  let server: TestPostgres;
  const stores: Store[] = [];
  before(async () => {
    server = await startPostgres('deferred');
    for (let node = 0; node < 3; node++) stores.push(await openStore({ url: server.url }));
  });
  after(async () => {
    for (const store of stores) await store.close();
    await server.stop();
  });
  testQueue('PostgreSQL', {
    stores: () => stores,
    now: Date.now,
    async pass(ms) {
      const earlier = times.map((name) => `${name} = ${name} - ${ms}`).join(', ');
      await sql`update deferred_requests set ${sql.raw(earlier)}`.execute(stores[0]!.db);
    },
  });
});
