// Limits belong to a workspace, windows close by the clock, and a refused request costs nothing.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createAccounts } from './accounts.ts';

function at(start = 1_000_000) {
  let time = start;
  return {
    now: () => time,
    pass(ms: number) {
      time += ms;
    },
  };
}

test('charge() throttles over the minute, says how long to wait, and heals after it', () => {
  const clock = at();
  const accounts = createAccounts([{ key: 'a', limits: { perMinute: 2 } }], clock.now);
  assert.equal(accounts.charge('a', 1).kind, 'paid');
  clock.pass(20_000);
  assert.deepEqual(accounts.charge('a', 1), { kind: 'paid', requests: { limit: 2, remaining: 0, resetMs: 40_000 } });
  const refused = accounts.charge('a', 1);
  assert.equal(refused.kind === 'throttled' && refused.retryAfterMs, 40_000);
  clock.pass(39_999);
  assert.equal(accounts.charge('a', 1).kind, 'throttled');
  clock.pass(1);
  assert.equal(accounts.charge('a', 1).kind, 'paid');
});

test('charge() lets the keys of one workspace draw on the same limits', () => {
  const limits = { perMinute: 1 };
  const accounts = createAccounts(
    [{ key: 'a', workspace: 'w', limits }, { key: 'b', workspace: 'w' }, { key: 'c' }],
    at().now,
  );
  assert.equal(accounts.charge('a', 1).kind, 'paid');
  assert.equal(accounts.charge('b', 1).kind, 'throttled');
  assert.equal(accounts.charge('c', 1).kind, 'paid');
});

test('charge() calls a used-up day exhausted, until the next day', () => {
  const clock = at();
  const accounts = createAccounts([{ key: 'a', limits: { perDay: 1 } }], clock.now);
  accounts.charge('a', 1);
  clock.pass(3_600_000);
  assert.equal(accounts.charge('a', 1).kind, 'exhausted');
  clock.pass(82_800_000);
  assert.equal(accounts.charge('a', 1).kind, 'paid');
});

test('charge() never lets more tokens through a minute than its limit', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200 }), fc.array(fc.nat({ max: 90 }), { maxLength: 30 }), (limit, costs) => {
      const accounts = createAccounts([{ key: 'a', limits: { tokensPerMinute: limit } }], at().now);
      let paid = 0;
      for (const cost of costs) {
        const { kind } = accounts.charge('a', cost);
        assert.equal(kind, paid + cost <= limit ? 'paid' : 'throttled');
        if (kind === 'paid') paid += cost;
      }
    }),
  );
});

test('setLimits() keeps what was used', () => {
  const accounts = createAccounts([{ key: 'a' }], at().now);
  accounts.charge('a', 1);
  accounts.setLimits('a', { perMinute: 1 });
  assert.equal(accounts.charge('a', 1).kind, 'throttled');
  accounts.setLimits('a', {});
  assert.equal(accounts.charge('a', 1).kind, 'paid');
});

test('enter() refuses unknown, missing and revoked keys, and takes any where none are listed', () => {
  const accounts = createAccounts([{ key: 'a' }, { key: 'b', revoked: true }, { key: 'c', revoked: 403 }], at().now);
  const refused = (status: 401 | 403, key: string | undefined) => ({ kind: 'refused', status, key });
  assert.deepEqual(accounts.enter('a'), { kind: 'open', key: 'a' });
  assert.deepEqual(accounts.enter('b'), refused(401, 'b'));
  assert.deepEqual(accounts.enter('c'), refused(403, 'c'));
  assert.deepEqual(accounts.enter('x'), refused(401, 'x'));
  assert.deepEqual(accounts.enter(undefined), refused(401, undefined));
  accounts.restore('b');
  assert.equal(accounts.enter('b').kind, 'open');
  const open = createAccounts(undefined, at().now);
  assert.equal(open.enter(undefined).kind, 'open');
  assert.equal(createAccounts([], at().now).enter('any').kind, 'open');
  open.revoke('z', 403);
  assert.deepEqual(open.enter('z'), refused(403, 'z'));
});
