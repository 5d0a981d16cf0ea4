// What is left of an account: asked again after growing pauses, until it answers or somebody says that it may.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createQuota } from './quota.ts';

/** Milliseconds at which it was asked, by callers who come every 100 ms and never find any left. */
function asked(hours: number): number[] {
  const quota = createQuota(2_000);
  const times: number[] = [];
  for (let now = 0; now < hours * 3_600_000; now += 100) {
    if (quota.waitMs(now) > 0) continue;
    quota.admit(now);
    times.push(now);
    quota.spent(now);
  }
  return times;
}

test('createQuota() is asked again after a pause that doubles, up to a quarter of an hour', () => {
  const times = asked(6);
  const pauses = times.slice(1).map((time, nth) => (time - times[nth]!) / 1_000);
  assert.deepEqual(pauses.slice(0, 11), [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]);
  assert.ok(pauses.slice(9).every((pause) => pause === 900));
});

test('createQuota() lets one request find out, and begins anew after an answer', () => {
  const quota = createQuota(1_000);
  quota.spent(0);
  quota.spent(500);
  assert.equal(quota.waitMs(500), 500, 'what crossed the first is no trial');
  quota.admit(1_000);
  assert.ok(quota.waitMs(1_001) > 0);
  quota.spent(1_100);
  assert.equal(quota.waitMs(1_100), 2_000);
  quota.succeeded(900);
  assert.equal(quota.waitMs(1_100), 2_000, 'what was sent before proves nothing');
  quota.admit(3_100);
  quota.succeeded(3_100);
  assert.equal(quota.waitMs(3_100), 0);
  quota.spent(4_000);
  assert.equal(quota.waitMs(4_000), 1_000);
});

test('createQuota() does not take the begin of an answer for its end', () => {
  const quota = createQuota(1_000);
  quota.spent(0);
  quota.admit(1_000);
  quota.heard(1_000);
  assert.equal(quota.waitMs(1_001), 0);
  quota.spent(1_100);
  assert.equal(quota.waitMs(1_100), 2_000);
});

test('createQuota() tells the longer of its own pause and what the provider asked for', () => {
  const quota = createQuota(1_000);
  quota.spent(0, 3_600_000);
  assert.deepEqual([quota.waitMs(0), quota.untilMs(0)], [1_000, 3_600_000]);
  quota.admit(1_000);
  quota.succeeded(1_000);
  quota.spent(2_000);
  assert.equal(quota.untilMs(2_000), 1_000);
});

test('createQuota() is asked at once after renew(), and after small pauses again', () => {
  const quota = createQuota(1_000);
  for (let now = 0; now < 60_000; now += 100) if (quota.waitMs(now) === 0) quota.spent(now);
  assert.ok(quota.waitMs(60_000) > 1_000);
  quota.renew();
  assert.equal(quota.waitMs(60_000), 0);
  quota.admit(60_000);
  assert.ok(quota.waitMs(60_001) > 0, 'by one');
  quota.spent(60_002);
  assert.equal(quota.waitMs(60_002), 1_000);
});
