import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLoginLimit } from './login-limit.ts';

const isLimited = { code: 'ERR_RATE_LIMITED' };

function makeLimit() {
  let time = 0;
  const limit = createLoginLimit(() => time);
  return {
    limit,
    pass(ms: number) {
      time += ms;
    },
  };
}

test('createLoginLimit() counts an attempt before its end is known, so the sixth at once is refused', () => {
  const { limit } = makeLimit();
  for (let i = 0; i < 5; i++) limit.attempt('password', '192.0.2.1');
  assert.throws(() => limit.attempt('password', '192.0.2.1'), isLimited);
});

test('createLoginLimit() doubles the wait with each further failure, up to an hour', () => {
  const { limit, pass } = makeLimit();
  for (let i = 0; i < 5; i++) limit.attempt('password', 'a');
  const waits: unknown[] = [];
  for (let i = 0; i < 9; i++) {
    assert.throws(
      () => limit.attempt('password', 'a'),
      (error: { facts: { seconds: number } }) => {
        waits.push(error.facts.seconds);
        pass(error.facts.seconds * 1000);
        return true;
      },
    );
    limit.attempt('password', 'a');
  }
  assert.deepEqual(waits, [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]);
});

test('createLoginLimit() keeps nobody out at another address, and counts an IPv6 network as one source', () => {
  const { limit } = makeLimit();
  for (let i = 0; i < 5; i++) limit.attempt('password', `2001:db8:0:1::${i}`);
  assert.throws(() => limit.attempt('password', '2001:db8::1:9:9:9:9'), isLimited);
  limit.attempt('password', '2001:db8:0:2::1');
  limit.attempt('password', '127.0.0.1');
});

test('createLoginLimit() does not forgive guessed passwords because of a good key, nor guessed keys', () => {
  const { limit } = makeLimit();
  for (let i = 0; i < 4; i++) {
    limit.attempt('password', 'a');
    limit.attempt('key', 'a');
  }
  limit.attempt('key', 'a').succeeded();
  limit.attempt('password', 'a');
  assert.throws(() => limit.attempt('password', 'a'), isLimited);
  limit.attempt('key', 'a');
  assert.throws(() => limit.attempt('key', 'a'), isLimited);
});

test('createLoginLimit() forgives all to who knows the password, and counts nothing that was not tried', () => {
  const { limit } = makeLimit();
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 4; i++) limit.attempt('password', 'a');
    for (let i = 0; i < 9; i++) limit.attempt('password', 'a').notTried();
    limit.attempt('password', 'a').succeeded();
  }
});
