import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createGate, ranks } from './gate.ts';
import type { Role } from './gateway/ask.ts';

/** Work that ends when it is told to, and says in which order it began. */
function makeWork() {
  const begun: string[] = [];
  const ends: (() => void)[] = [];
  const work = (name: string) => () => {
    begun.push(name);
    return new Promise<string>((resolve) => ends.push(() => resolve(name)));
  };
  const endFirst = async () => {
    ends.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { begun, work, endFirst };
}

const settings = { maxWaiting: 3, maxWaitMs: 1_000, retryAfterSeconds: 5 };

test('createGate() serves admins before users while few may work at once, and each rank in its order', async () => {
  const gate = createGate({ ...settings, limit: () => 1 });
  const { begun, work, endFirst } = makeWork();
  const arrivals: [Role, string][] = [
    ['user', 'first'],
    ['user', 'second'],
    ['user', 'third'],
    ['admin', 'admin'],
  ];
  const done = arrivals.map(([role, name]) => gate.admit(role, work(name)));
  for (let i = 0; i < arrivals.length; i++) await endFirst();
  await Promise.all(done);
  assert.deepEqual(begun, ['first', 'admin', 'second', 'third']);
  assert.deepEqual(gate.state(), { running: 0, waiting: 0 });
});

test('createGate() refuses the latest of the lowest rank when too many wait, and an admin never for a user', async () => {
  const gate = createGate({ ...settings, limit: () => 1 });
  const { begun, work, endFirst } = makeWork();
  const first = gate.admit('user', work('working'));
  const waiting = ['a', 'b', 'c'].map((name) => gate.admit('user', work(name)));
  const refusedUser = assert.rejects(gate.admit('user', work('d')), {
    code: 'ERR_RATE_LIMITED',
    facts: { seconds: 5 },
  });
  const refusedC = assert.rejects(waiting[2] ?? first, { code: 'ERR_RATE_LIMITED' });
  const admin = gate.admit('admin', work('admin'));
  await Promise.all([refusedUser, refusedC]);
  for (let i = 0; i < 4; i++) await endFirst();
  await Promise.all([first, admin, waiting[0], waiting[1]]);
  assert.deepEqual(begun, ['working', 'admin', 'a', 'b']);
});

test('createGate() refuses who has waited too long, and begins more work once the limit rises', async () => {
  let limit = 1;
  const gate = createGate({ ...settings, maxWaitMs: 20, limit: () => limit });
  const { begun, work, endFirst } = makeWork();
  const first = gate.admit('user', work('first'));
  await assert.rejects(gate.admit('user', work('late')), { code: 'ERR_RATE_LIMITED' });
  limit = 2;
  const second = gate.admit('user', work('second'));
  assert.deepEqual(begun, ['first', 'second']);
  await endFirst();
  await endFirst();
  assert.deepEqual(await Promise.all([first, second]), ['first', 'second']);
});

test('createGate() gives its place back when the work fails', async () => {
  const gate = createGate({ ...settings, limit: () => 1 });
  await assert.rejects(
    gate.admit('user', () => Promise.reject(new Error('broken'))),
    /broken/,
  );
  assert.equal(await gate.admit('user', () => Promise.resolve('next')), 'next');
});

test('createGate() gives every fourth place to who has waited longest, so that a batch ends although users keep coming', async () => {
  const gate = createGate({ ...settings, maxWaiting: 100, limit: () => 1 });
  const order: string[] = [];
  const come = async (name: string, rank: number) => {
    const leave = await gate.enter({ rank });
    order.push(name);
    return leave;
  };
  let leave = await come('first', ranks.user);
  const batch = come('batch', ranks.batch);
  const users = Array.from({ length: 8 }, (_, nth) => come(`user ${nth}`, ranks.user));
  for (const next of [users[0]!, users[1]!, users[2]!, batch, users[3]!]) {
    leave();
    leave = await next;
  }
  assert.deepEqual(order, ['first', 'user 0', 'user 1', 'user 2', 'batch', 'user 3']);
  for (const next of users.slice(4)) {
    leave();
    leave = await next;
  }
  leave();
});

test('createGate() keeps the first of each rank in line when it is full', async () => {
  const gate = createGate({ ...settings, limit: () => 1 });
  const leave = gate.enter({ rank: ranks.user }) as () => void;
  const batch = gate.enter({ rank: ranks.batch }) as Promise<() => void>;
  const later = gate.enter({ rank: ranks.batch }) as Promise<() => void>;
  const refused = assert.rejects(later, { code: 'ERR_RATE_LIMITED' });
  const users = [1, 2].map(() => gate.enter({ rank: ranks.user }) as Promise<() => void>);
  await refused;
  const [one, two] = users;
  leave();
  (await one!)();
  (await two!)();
  (await batch)();
  assert.deepEqual(gate.state(), { running: 0, waiting: 0 });
});

test('createGate() refuses a key that has all its places at once, waiting ones included, and forgets who goes away', async () => {
  const gate = createGate({ ...settings, limit: () => 1, perKey: 2 });
  const gone = new AbortController();
  const leave = gate.enter({ rank: 1, key: 'a' }) as () => void;
  const waiting = gate.enter({ rank: 1, key: 'a', signal: gone.signal }) as Promise<() => void>;
  assert.throws(() => gate.enter({ rank: 1, key: 'a' }), { code: 'ERR_RATE_LIMITED' });
  const left = assert.rejects(waiting, { code: 'ERR_RATE_LIMITED' });
  gone.abort();
  await left;
  assert.deepEqual(gate.state(), { running: 1, waiting: 0 });
  leave();
  leave();
  assert.deepEqual(gate.state(), { running: 0, waiting: 0 });
  (gate.enter({ rank: 1, key: 'a' }) as () => void)();
});
