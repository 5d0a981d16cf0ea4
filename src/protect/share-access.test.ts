// Keys made and tokens revoked on one thread, seen on another: two buses of one name stand for two threads.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { createBus } from '../platform/shared/bus.ts';
import { createKeys, type KeyRecord } from './gateway/keys.ts';
import { createRevocations, type Revocation } from './gateway/tokens/revocations.ts';
import { announceAccess, heedAccess } from './share-access.ts';

async function until(condition: () => boolean): Promise<void> {
  const end = Date.now() + 120_000;
  while (!condition()) {
    assert.ok(Date.now() < end, 'it did not happen');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

test('heedAccess() opens a new key and closes a revoked token on a thread that knew of neither', async () => {
  const name = `test-${randomUUID()}`;
  const [busHere, busThere] = [createBus(name), createBus(name)];
  const records: KeyRecord[] = [];
  const stored: Revocation[] = [];
  const keyRepository = {
    load: async () => records,
    insert: async (record: KeyRecord) => void records.push(record),
    revoke: async () => {},
    expire: async () => {},
  };
  const tokenRepository = { load: async () => stored, insert: async (one: Revocation) => void stored.push(one) };
  const tell = announceAccess(busHere, () => here.list());
  const now = Date.now;
  const here = createKeys({
    now,
    repository: keyRepository,
    given: [{ key: 'own-key-of-here', subject: 'own', role: 'user' }],
    onChange: tell.keys,
  });
  const revocations = createRevocations({ now, repository: tokenRepository, onChange: tell.revocations });
  const there = {
    // A thread that reaches no store itself.
    keys: createKeys({ now, repository: { ...keyRepository, load: () => Promise.reject(new Error('no store')) } }),
    revocations: createRevocations({ now, repository: tokenRepository }),
  };
  const end = heedAccess(busThere, there);
  const { secret } = await here.create({ subject: 'ada', role: 'user' });
  assert.equal(there.keys.find(secret).kind, 'unknown');
  busThere.catchUp();
  assert.equal(there.keys.find(secret).kind, 'accepted');
  assert.equal(there.keys.list().length, 1, 'the configuration is not passed on');
  await revocations.revoke({ kind: 'jti', value: 'one', at: 5 });
  await until(() => there.revocations.isRevoked({ jti: 'one', subject: 'x', issuedAt: 0 }));
  end();
  const later = await here.create({ subject: 'bob', role: 'user' });
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(there.keys.find(later.secret).kind, 'unknown', 'nothing once it has ended');
  busHere.close();
  busThere.close();
});
