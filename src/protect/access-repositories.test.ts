// Keys and revocations kept in the store, on SQLite and on a real PostgreSQL, and in the copies that hold while it is away.
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { openStore, type Store } from '../platform/store/store.ts';
import { startPostgres, type TestPostgres } from '../platform/store/test-postgres.ts';
import { createKeys, type KeyRepository, type Keys } from './gateway/keys.ts';
import { createRevocations } from './gateway/tokens/revocations.ts';
import { createKeyRepository } from './key-repository.ts';
import { createTokenRepository } from './token-repository.ts';

const root = mkdtempSync(join(tmpdir(), 'rempart-access-'));
// PostgreSQL runs as a user of its own where the tests run as root.
chmodSync(root, 0o755);
after(() => rmSync(root, { recursive: true, force: true }));
const now = Date.now;

function suite(name: string, open: () => Promise<Store>): void {
  let store: Store;
  const file = (of: string) => join(root, `${name}-${of}.json`);
  before(async () => {
    store = await open();
    assert.equal(store.health().state, 'open');
  });
  after(() => store.close());
  const keysOf = (snapshot: string) => createKeys({ now, repository: createKeyRepository(store, file(snapshot)) });
  const revocationsOf = (snapshot: string) =>
    createRevocations({ now, repository: createTokenRepository(store, file(snapshot)) });

  test(`createKeyRepository() on ${name} keeps scopes, ends and successors for whoever reads them next`, async () => {
    const here = keysOf('here');
    const scopes = { models: ['mistral-*', 'llama3:8b'], routes: ['POST /chat', '/v1/*'] };
    const first = await here.create({ subject: 'ada', role: 'operator', scopes });
    const free = await here.create({ subject: 'bob', role: 'user' });
    const second = await here.rotate(first.record.id, 60_000);
    assert.ok(second.kind === 'rotated');
    const there = keysOf('there');
    await there.refresh();
    const found = there.find(second.secret);
    assert.deepEqual(found.kind === 'accepted' && found.record, second.record);
    const old = there.find(first.secret);
    assert.equal(old.kind === 'accepted' && old.record.expiresAt, second.oldEndsAt);
    const bob = there.find(free.secret);
    assert.equal(bob.kind === 'accepted' && bob.record.scopes, undefined);
    await here.revoke(second.record.id);
    await there.refresh();
    assert.equal(there.find(second.secret).kind, 'revoked');
    assert.ok(!readFileSync(file('there'), 'utf8').includes(second.secret.slice(15)));
  });

  test(`createKeyRepository() on ${name} keeps it when a key of the configuration is revoked, also while the store is away`, async () => {
    const given = [{ key: `of-the-configuration-${name}`, subject: 'eve', role: 'user' as const }];
    const opened = (repository: KeyRepository) => createKeys({ now, repository, given });
    const kept = (snapshot: string) => opened(createKeyRepository(store, file(snapshot)));
    const stateOf = async (keys: Keys) => {
      await keys.refresh();
      return keys.find(given[0]!.key).kind;
    };
    const here = kept('configured');
    assert.equal(await stateOf(here), 'accepted');
    const { id } = here.list().find(({ subject }) => subject === 'eve')!;
    const away = { db: undefined } as unknown as Store;
    await assert.rejects(opened(createKeyRepository(away, file('configured'))).revoke(id));
    assert.equal(await stateOf(kept('configured')), 'revoked', 'it was in the copy');
    assert.equal(await stateOf(kept('elsewhere')), 'revoked', 'and came to the store from there');
    assert.equal(await stateOf(here), 'revoked');
    assert.ok(await here.revoke(id), 'once more is no fault');
    assert.equal(here.list().filter((key) => key.id === id).length, 1);
    here.give(given);
    assert.equal(await stateOf(here), 'revoked', 'named again it stays so');
  });

  test(`createTokenRepository() on ${name} keeps revocations, the later of two for one subject`, async () => {
    const here = revocationsOf('tokens-here');
    await here.revoke({ kind: 'jti', value: 'one', at: 1_000 });
    await here.revoke({ kind: 'subject', value: 'ada', at: 1_000 });
    await here.revoke({ kind: 'subject', value: 'ada', at: 2_000 });
    const there = revocationsOf('tokens-there');
    assert.equal(await there.refresh(), true);
    assert.equal(there.isRevoked({ jti: 'one', subject: 'x', issuedAt: 9_000 }), true);
    assert.equal(there.isRevoked({ subject: 'ada', issuedAt: 2_000 }), true);
    assert.equal(there.isRevoked({ subject: 'ada', issuedAt: 2_001 }), false);
    assert.equal(there.isRevoked({ jti: 'two', subject: 'bob', issuedAt: 0 }), false);
  });
}

describe('sqlite', () => {
  const path = join(root, 'store.sqlite');
  suite('sqlite', () => openStore({ path }));

  test('revocations and keys hold while the store is away, and reach it once it is back', async () => {
    const own = join(root, 'own.sqlite');
    const store = await openStore({ path: own });
    const keys = createKeys({ now, repository: createKeyRepository(store, join(root, 'k.json')) });
    const revocations = createRevocations({ now, repository: createTokenRepository(store, join(root, 't.json')) });
    const { secret, record } = await keys.create({ subject: 'ada', role: 'user', scopes: { models: ['m'] } });
    await store.close();
    await assert.rejects(keys.revoke(record.id));
    await assert.rejects(revocations.revoke({ kind: 'jti', value: 'one', at: 5 }));
    const again = await openStore({ path: own });
    const later = createKeys({ now, repository: createKeyRepository(again, join(root, 'k.json')) });
    const known = createRevocations({ now, repository: createTokenRepository(again, join(root, 't.json')) });
    await Promise.all([later.refresh(), known.refresh()]);
    assert.equal(later.find(secret).kind, 'revoked');
    assert.equal(known.isRevoked({ jti: 'one', subject: 'x', issuedAt: 0 }), true);
    const row = await again.db.selectFrom('revoked_tokens').selectAll().executeTakeFirst();
    assert.equal(row?.value, 'one');
    await again.close();
  });
});

describe('postgres', () => {
  let server: TestPostgres;
  before(async () => {
    server = await startPostgres('rempart');
  });
  after(() => server?.stop());
  suite('postgres', () => openStore({ url: server.url }));
});
