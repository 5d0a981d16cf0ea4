// The queue's promises on node:sqlite and on a real PostgreSQL.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { openStore, type Store } from '../../platform/store/store.ts';
import { startPostgres, type TestPostgres } from '../../platform/store/test-postgres.ts';
import { contentHash } from './content-hash.ts';
import { testQueue } from './queue.conformance.ts';

const root = mkdtempSync(join(tmpdir(), 'rempart-jobs-'));
after(() => rmSync(root, { recursive: true, force: true }));

function connections(location: () => Parameters<typeof openStore>[0], count: number): () => readonly Store[] {
  const stores: Store[] = [];
  before(async () => {
    for (let i = 0; i < count; i++) stores.push(await openStore(location()));
  });
  after(async () => {
    for (const store of stores) await store.close();
  });
  return () => stores;
}

describe('sqlite', () => {
  testQueue(
    'node:sqlite',
    connections(() => ({ path: join(root, 'store.sqlite') }), 1),
  );
});

describe('postgres', () => {
  let server: TestPostgres;
  before(async () => {
    server = await startPostgres('jobs');
  });
  const stores = connections(() => ({ url: server.url }), 4);
  testQueue('PostgreSQL', stores);
  after(() => server.stop());
});

test('contentHash() is of names and bytes: another byte, another name or one file more is another hash', async () => {
  const folder = join(root, 'exports');
  mkdirSync(join(folder, 'deep'), { recursive: true });
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
  write('a.json', '[]');
  write('deep/b.json', '[1]');
  const seen = new Set([await contentHash(folder)]);
  assert.ok(seen.has(await contentHash(folder)));
  write('deep/b.json', '[2]');
  seen.add(await contentHash(folder));
  write('c.json', '');
  seen.add(await contentHash(folder));
  seen.add(await contentHash(join(folder, 'a.json')));
  assert.equal(seen.size, 4);
  await assert.rejects(contentHash(join(folder, 'none')), { code: 'ERR_EXPORT_MISSING' });
});
