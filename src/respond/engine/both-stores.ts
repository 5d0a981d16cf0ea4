// For tests: the same promises on node:sqlite and on a real PostgreSQL.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe } from 'node:test';
import type { StoreLocation } from '../../platform/store/store.ts';
import { startPostgres, type TestPostgres } from '../../platform/store/test-postgres.ts';
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
    let server: TestPostgres;
    before(async () => {
      server = await startPostgres('rempart');
    });
    after(() => server?.stop());
    tests('PostgreSQL', () => ({ url: server.url }));
  });
}
