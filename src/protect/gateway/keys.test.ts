// API keys: stored as hashes, refused when expired or revoked, and working while the store is away.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSharedMemory } from '../../platform/shared/memory.ts';
import { openSet } from '../../platform/shared/set.ts';
import { createKeys, type KeyRecord, type KeyRepository, type Keys } from './keys.ts';

function memory(): KeyRepository & { records: KeyRecord[]; away: boolean } {
  const answer = <T>(value: T): Promise<T> => (store.away ? Promise.reject(new Error('away')) : Promise.resolve(value));
  const store = {
    records: [] as KeyRecord[],
    away: false,
    load: () => answer(store.records),
    insert: (record: KeyRecord) => answer(undefined).then(() => void store.records.push(record)),
    revoke: (id: string, at: number) =>
      answer(undefined).then(() => {
        store.records = store.records.map((record) => (record.id === id ? { ...record, revokedAt: at } : record));
      }),
    expire: (id: string, at: number) =>
      answer(undefined).then(() => {
        store.records = store.records.map((record) => (record.id === id ? { ...record, expiresAt: at } : record));
      }),
  };
  return store;
}

let time = 1_000;
const now = () => time;

test('create() returns a key that is found, and stores only its hash', async () => {
  const repository = memory();
  const keys = createKeys({ now, repository });
  const { secret, record } = await keys.create({ subject: 'ada', role: 'user' });
  assert.match(secret, /^rmp_[a-z0-9]{10}_[\w-]{43}$/);
  const found = keys.find(secret);
  assert.deepEqual(found, { kind: 'accepted', record });
  assert.ok(!JSON.stringify([repository.records, keys.list()]).includes(secret.slice(15)));
  assert.equal(keys.find(`${secret}x`).kind, 'unknown');
  assert.equal(keys.find(record.hash).kind, 'unknown', 'the hash itself opens nothing');
});

test('find() refuses a key at the instant it expires, and a revoked one at once', async () => {
  const keys = createKeys({ now, repository: memory() });
  const { secret } = await keys.create({ subject: 's', role: 'user', expiresAt: 2_000 });
  time = 1_999;
  assert.equal(keys.find(secret).kind, 'accepted');
  time = 2_000;
  assert.equal(keys.find(secret).kind, 'expired');
  const other = await keys.create({ subject: 's', role: 'user' });
  assert.equal(await keys.revoke(other.record.id), true);
  assert.equal(keys.find(other.secret).kind, 'revoked');
  assert.equal(await keys.revoke('rmp_nobody'), false);
});

test('refresh() keeps the last keys while the store is away, and takes the new ones when it is back', async () => {
  const repository = memory();
  const here = createKeys({ now, repository });
  const elsewhere = createKeys({ now, repository });
  const { secret, record } = await elsewhere.create({ subject: 's', role: 'user' });
  assert.equal(await here.refresh(), true);
  repository.away = true;
  assert.equal(await here.refresh(), false);
  assert.equal(here.find(secret).kind, 'accepted');
  await assert.rejects(here.revoke(record.id));
  assert.equal(here.find(secret).kind, 'revoked', 'a revocation holds here although it could not be stored');
  repository.away = false;
  assert.equal(await here.refresh(), true);
  assert.equal(here.find(secret).kind, 'revoked', 'and is not undone by what the store still says');
});

test('create() makes no key that could not be stored', async () => {
  const repository = memory();
  repository.away = true;
  const keys = createKeys({ now, repository });
  await assert.rejects(keys.create({ subject: 's', role: 'user' }));
  assert.equal(keys.list().length, 0);
});

test('find() takes keys of any form from the configuration, through refreshes', async () => {
  const keys = createKeys({ now, repository: memory(), given: [{ key: 'short', subject: 'ci', role: 'operator' }] });
  await keys.refresh();
  const found = keys.find('short');
  assert.equal(found.kind === 'accepted' && found.record.role, 'operator');
  assert.ok(!JSON.stringify(keys.list()).includes('"short"'));
  const { id } = keys.list()[0]!;
  await keys.revoke(id);
  await keys.refresh();
  assert.equal(keys.find('short').kind, 'revoked');
});

test('rotate() makes a second secret with the same rights, and the first ends with the overlap', async () => {
  const keys = createKeys({ now, repository: memory() });
  time = 10_000;
  const first = await keys.create({ subject: 'ada', role: 'operator', scopes: { models: ['m-*'] }, expiresAt: 60_000 });
  time = 20_000;
  const second = await keys.rotate(first.record.id, 5_000);
  assert.ok(second.kind === 'rotated');
  const { subject, role, scopes, replaces, expiresAt } = second.record;
  assert.deepEqual(
    { subject, role, scopes, replaces, expiresAt },
    { subject: 'ada', role: 'operator', scopes: { models: ['m-*'] }, replaces: first.record.id, expiresAt: 70_000 },
  );
  const both = () => [keys.find(first.secret).kind, keys.find(second.secret).kind];
  time = 24_999;
  assert.deepEqual(both(), ['accepted', 'accepted']);
  time = 25_000;
  assert.deepEqual(both(), ['expired', 'accepted']);
  await keys.refresh();
  assert.deepEqual(both(), ['expired', 'accepted'], 'the store says so too');
  assert.equal((await keys.rotate(first.record.id, 5_000)).kind, 'over');
  assert.equal((await keys.rotate('rmp_nobody', 5_000)).kind, 'unknown');
});

test('rotate() never lets the old secret outlive its own expiry, nor leaves half a rotation behind', async () => {
  const repository = memory();
  const keys = createKeys({ now, repository });
  time = 0;
  const { secret, record } = await keys.create({ subject: 's', role: 'user', expiresAt: 1_000 });
  const rotated = await keys.rotate(record.id, 50_000);
  assert.equal(rotated.kind === 'rotated' && rotated.oldEndsAt, 1_000);
  const failing = createKeys({ now, repository: { ...repository, expire: () => Promise.reject(new Error('away')) } });
  await failing.refresh();
  await assert.rejects(failing.rotate(record.id, 50_000));
  const good = failing.list().filter(({ revokedAt, id }) => revokedAt === undefined && id !== record.id);
  assert.deepEqual(
    good.map(({ id }) => id),
    [rotated.kind === 'rotated' ? rotated.record.id : ''],
  );
  assert.equal(failing.find(secret).kind, 'accepted');
});

test('revoke() closes a key at once for every holder of the same set, though they know nothing of each other', async () => {
  const repository = memory();
  const entries = openSet(createSharedMemory({ known: 2, anyone: 2, set: 64 }));
  const [here, there] = [1, 2].map(() => createKeys({ now, repository, revoked: entries })) as [Keys, Keys];
  const { secret, record } = await here.create({ subject: 's', role: 'user' });
  await there.refresh();
  assert.equal(there.find(secret).kind, 'accepted');
  await here.revoke(record.id);
  assert.equal(there.find(secret).kind, 'revoked');
});

test('onTakenBack() tells of keys that were revoked or replaced, here and elsewhere, and of no other change', async () => {
  const repository = memory();
  const here = createKeys({ now, repository, given: [{ key: 'given', subject: 'ci', role: 'user' }] });
  let told = 0;
  const end = here.onTakenBack(() => told++);
  const made = await here.create({ subject: 's', role: 'user', expiresAt: time + 10 });
  const kept = await here.create({ subject: 's', role: 'user' });
  await here.refresh();
  here.give([]);
  await here.rotate(kept.record.id, 60_000);
  time += 20;
  await here.refresh();
  assert.equal(told, 0);
  assert.equal(here.isTakenBack(made.record.id), false, 'its own time came');
  assert.equal(here.isTakenBack(kept.record.id), false, 'it goes on for a while');
  const elsewhere = createKeys({ now, repository });
  await elsewhere.refresh();
  await elsewhere.rotate(kept.record.id, 0).catch(() => undefined);
  await elsewhere.revoke(kept.record.id);
  await here.refresh();
  assert.equal(told, 1);
  assert.equal(here.isTakenBack(kept.record.id), true);
  await here.refresh();
  assert.equal(told, 1, 'told once');
  end();
  const last = await here.create({ subject: 's', role: 'user' });
  await here.revoke(last.record.id);
  assert.equal(told, 1);
  assert.equal(here.isTakenBack(last.record.id), true);
  assert.equal(here.isTakenBack('rmp_nobody'), true);
});
