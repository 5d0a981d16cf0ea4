import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createGate } from './gate.ts';
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
