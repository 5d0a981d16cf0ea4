// A method's own PostgreSQL database: dropped at its end, and by the next run where a killed one left it; one in use is left alone.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { startPostgres, type TestPostgres } from '../../platform/store/test-postgres.ts';
import { createFreshDatabase } from './fresh-database.ts';

let server: TestPostgres;
let url = '';
before(async () => {
  server = await startPostgres('store');
  url = server.url.replace(/store$/, 'postgres');
});
after(() => server?.stop());

async function ask(statement: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<{ datname: string }>(statement)).rows.map(({ datname }) => datname);
  } finally {
    await client.end();
  }
}
const databases = () => ask("SELECT datname FROM pg_database WHERE datname LIKE '%rempart%' ORDER BY 1");

test('createFreshDatabase() gives an empty database and drops it, and what a killed run left', async () => {
  for (const name of ['rempart_run_0123456789ab', 'rempart_run_of_mine', 'rempart'])
    await ask(`CREATE DATABASE ${name}`);
  const fresh = await createFreshDatabase(url);
  assert.deepEqual(await databases(), ['rempart', fresh?.name, 'rempart_run_of_mine'].sort());
  await fresh?.drop();
  assert.deepEqual(await databases(), ['rempart', 'rempart_run_of_mine']);
});

test('createFreshDatabase() leaves the database of a run that is under way', async () => {
  const other = await createFreshDatabase(url);
  const mine = await createFreshDatabase(url);
  assert.ok((await databases()).includes(other?.name ?? '-'));
  await mine?.drop();
  await other?.drop();
});

test('createFreshDatabase() gives none where the server is away', async () => {
  assert.equal(await createFreshDatabase('postgres://nobody@127.0.0.1:1/none'), null);
});
