// Which key is in turn after what: refusals, suspicions, pauses that were asked for, and what several keys share.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSignals, type Signal } from '../../platform/signals.ts';
import { createAccount, createAccounts } from './account.ts';
import type { Failure } from './failure.ts';
import { createProviderHealth, type HealthSettings } from './provider-health.ts';

const breaker = { failures: 3, halfOpenMs: 1_000 };

function healthOf(
  settings: Partial<HealthSettings> = {},
  account = createAccount(breaker),
  name = 'p',
  isHeld = () => false,
) {
  const clock = { now: 1_000_000 };
  const emitted: Signal[] = [];
  const signals = createSignals();
  signals.subscribe((signal) => emitted.push(signal));
  const parts = { now: () => clock.now, signals, account, isHeld };
  const health = createProviderHealth(parts, { name, keys: 1, breaker, ...settings });
  const pick = () => {
    const picked = health.pick();
    return picked.kind === 'key' ? picked.index : picked;
  };
  return { health, clock, emitted, pick, kinds: () => emitted.map(({ kind }) => kind) };
}

const refused: Failure = { kind: 'key-refused', heals: false };
const forbidden: Failure = { kind: 'forbidden', heals: false };
const spent: Failure = { kind: 'quota-exhausted', heals: false };
const crashed: Failure = { kind: 'server-error', heals: true };
const tooMany = (ms: number): Failure => ({ kind: 'rate-limited', heals: true, retryAfterMs: ms });

test('createProviderHealth() is not moved by an answer to what was sent before the key was refused', () => {
  const { health, clock, pick } = healthOf({ keys: 2 });
  const sentAt = clock.now;
  clock.now += 10;
  health.failed(0, refused);
  clock.now += 10;
  health.succeeded(0, sentAt);
  assert.equal(health.state().keys[0]!.refused, true);
  assert.equal(pick(), 1);
});

test('createProviderHealth() takes requests that crossed for one suspicion', () => {
  const { health, emitted } = healthOf();
  for (let i = 0; i < 10; i++) health.failed(0, forbidden);
  assert.deepEqual(emitted, []);
  assert.deepEqual(health.pick(), { kind: 'wait', ms: 300, because: 'forbidden' });
  health.probed(0, 0, undefined);
  assert.equal(health.pick().kind, 'key');
});

test('createProviderHealth() holds nobody up for long when a probe gives no answer', () => {
  const { health, clock, pick } = healthOf();
  health.failed(0, forbidden);
  assert.equal(typeof pick(), 'object');
  clock.now += 2_000;
  assert.equal(pick(), 0);
  health.probed(0, clock.now, refused);
  assert.equal(health.pick().kind, 'refused', 'late is better than never');
});

test('createProviderHealth() lets others through as soon as a trial begins to be answered, and shuts again if it then dies', () => {
  const { health, clock, pick } = healthOf();
  for (let i = 0; i < 3; i++) health.failed(0, crashed);
  clock.now += 1_000;
  assert.equal(pick(), 0);
  assert.equal(typeof pick(), 'object');
  health.heard(clock.now);
  assert.deepEqual([pick(), pick()], [0, 0]);
  health.failed(0, { kind: 'cut', heals: true });
  assert.equal(typeof pick(), 'object');
  health.heard(clock.now);
  assert.equal(typeof pick(), 'object', 'an older answer that begins late opens nothing');
});

test('createProviderHealth() ends a pause when what was sent after it is answered, not what was sent before', () => {
  const { health, clock, pick } = healthOf();
  const before = clock.now;
  clock.now += 10;
  health.failed(0, tooMany(60_000));
  health.heard(before);
  assert.equal(typeof pick(), 'object');
  clock.now += 1_000;
  assert.equal(pick(), 0);
  health.heard(clock.now);
  assert.deepEqual([pick(), pick()], [0, 0]);
});

test('createProviderHealth() puts a key out at the third request in a row that is forbidden, though its probes pass, and later each time', () => {
  const { health, clock, kinds } = healthOf({
    refusal: { maxUses: 3, probeAfterMs: 60_000, lastKeyProbesMs: [4_000, 30_000] },
  });
  const fail = () => {
    health.failed(0, forbidden);
    health.probed(0, clock.now, undefined);
  };
  fail();
  fail();
  health.failed(0, forbidden);
  assert.deepEqual(kinds(), ['provider-key-compromised', 'provider-unavailable']);
  assert.equal(health.pick().kind, 'refused');
  clock.now += 4_000;
  assert.equal(health.due(), 0);
  health.probed(0, clock.now, undefined);
  assert.equal(health.pick().kind, 'key');
  health.failed(0, forbidden);
  clock.now += 4_000;
  assert.equal(health.due(), undefined, 'a probe that was wrong once is not asked so soon again');
  clock.now += 26_000;
  assert.equal(health.due(), 0);
});

test('createProviderHealth() is done with a key that is forbidden three times where another is answered, and not where no other is', () => {
  for (const isAnswered of [true, false]) {
    const { health, clock, pick, emitted } = healthOf({ keys: 2 });
    for (let i = 0; i < 3; i++) {
      assert.equal(pick(), 0);
      health.failed(0, forbidden);
      if (isAnswered) health.succeeded(1, clock.now);
      health.probed(0, clock.now, undefined);
      clock.now += 10;
    }
    assert.deepEqual(emitted[0]?.kind, 'provider-key-compromised');
    assert.equal(pick(), isAnswered ? 1 : 0, 'a probe that passes afterwards brings back what may be well');
    assert.equal(health.state().keys[0]!.refused, isAnswered);
    clock.now += 3_600_000;
    assert.equal(health.due(), undefined);
  }
});

test('createProviderHealth() lets one try through now and then while a provider asks to wait for long', () => {
  const { health, clock, pick } = healthOf();
  assert.equal(pick(), 0);
  health.failed(0, tooMany(60_000));
  const told = (ms: number) => ({ kind: 'wait', ms, because: 'rate-limited', isHeld: true });
  assert.deepEqual(pick(), told(60_000), 'what was asked for, not when the next try is due');
  clock.now += 1_000;
  assert.equal(pick(), 0, 'the try');
  assert.deepEqual(pick(), told(59_000));
  health.succeeded(0, clock.now);
  assert.equal(pick(), 0, 'it has healed sooner than it said');
});

test('createProviderHealth() waits no shorter than was asked, and no longer', () => {
  const { health, clock, pick } = healthOf();
  health.failed(0, tooMany(400));
  assert.deepEqual(pick(), { kind: 'wait', ms: 400, because: 'rate-limited', isHeld: true });
  clock.now += 400;
  assert.deepEqual([pick(), pick(), pick()], [0, 0, 0]);
});

test('createProviderHealth() shares with others of its account what is about the account, and nothing else', () => {
  const account = createAccount(breaker);
  const one = healthOf({}, account, 'one');
  const other = healthOf({}, account, 'other');
  for (let i = 0; i < 3; i++) one.health.failed(0, crashed);
  assert.equal(one.pick() === 0, false);
  assert.equal(other.pick(), 0, 'a crash is its own affair');
  one.health.failed(0, tooMany(500));
  assert.deepEqual(other.pick(), { kind: 'wait', ms: 500, because: 'rate-limited', isHeld: true });
  other.clock.now += 500;
  assert.equal(other.pick(), 0);
  one.health.failed(0, spent);
  other.clock.now = one.clock.now;
  assert.deepEqual(other.pick(), { kind: 'wait', ms: 1_000, because: 'quota-exhausted' });
  assert.equal(other.health.state().keys[0]!.breaker, 'open');
});

test('createProviderHealth() asks at once for a quota that was used up, when its configuration is new or it is no longer held back', () => {
  const accounts = createAccounts();
  let held = false;
  const { health, clock, pick } = healthOf({}, accounts.of('acme', breaker), 'one', () => held);
  const use = () => {
    health.failed(0, spent);
    return health.spentMs();
  };
  assert.equal(use(), 1_000);
  clock.now += 1_000;
  assert.equal(pick(), 0);
  assert.equal(use(), 2_000);
  accounts.of('acme', breaker);
  assert.equal(pick(), 0);
  assert.equal(use(), 1_000);
  held = true;
  assert.equal(typeof pick(), 'object');
  held = false;
  assert.equal(pick(), 0);
  health.succeeded(0, clock.now);
  assert.equal(health.spentMs(), 0);
});

test('createProviderHealth() opens for the provider when its keys fail in turn, and closes with one success', () => {
  const { health, clock, pick } = healthOf({ keys: 3, weights: [1, 1, 1] });
  for (let i = 0; i < 3; i++) health.failed(pick() as number, crashed);
  assert.deepEqual(pick(), { kind: 'wait', ms: 1_000, because: 'server-error' });
  clock.now += 1_000;
  const trial = pick();
  assert.equal(typeof trial, 'number');
  assert.equal(typeof pick(), 'object', 'one trial at a time');
  health.succeeded(trial as number, clock.now);
  assert.deepEqual(new Set([pick(), pick(), pick()]), new Set([0, 1, 2]));
});

test('createProviderHealth() passes over the one key that fails while others serve', () => {
  const { health, clock, pick } = healthOf({ keys: 3, weights: [1, 1], breaker });
  for (let i = 0; i < 12; i++) {
    const index = pick() as number;
    if (index === 0) health.failed(0, crashed);
    else health.succeeded(index, clock.now);
  }
  assert.deepEqual([pick(), pick(), pick()], [1, 1, 1]);
  assert.deepEqual(
    health.state().keys.map((key) => key.breaker),
    ['open', 'closed', 'closed'],
  );
});

test('createProviderHealth() gives the place of a trial back when it tells nothing', () => {
  for (const [what, end] of [
    ['gone away', (h: ReturnType<typeof healthOf>) => h.health.abandoned(0)],
    ['refused for itself', (h: ReturnType<typeof healthOf>) => h.health.failed(0, { kind: 'not-found', heals: false })],
  ] as const) {
    const made = healthOf();
    made.health.failed(0, spent);
    made.clock.now += 1_000;
    assert.equal(made.pick(), 0);
    assert.equal(typeof made.pick(), 'object', what);
    end(made);
    made.clock.now += 1;
    assert.equal(made.pick(), 0, what);
  }
});

test('createProviderHealth() lets two requests find out whether a key is taken, and all the others as soon as they know', async () => {
  const { health, clock, pick } = healthOf({ keys: 2 });
  assert.deepEqual([pick(), pick()], [0, 0]);
  const first = health.pick();
  assert.equal(first.kind, 'later');
  health.failed(0, refused);
  if (first.kind === 'later') await first.turn;
  assert.deepEqual([pick(), pick()], [1, 1]);
  const second = health.pick();
  assert.equal(second.kind, 'later');
  health.failed(1, { kind: 'not-found', heals: false });
  if (second.kind === 'later') await second.turn;
  assert.deepEqual([pick(), pick(), pick()], [1, 1, 1], 'whatever it says, it takes the key');
  health.succeeded(0, clock.now - 10);
  assert.equal(health.isProved(0), false, 'that was sent before');
});

test('createProviderHealth() holds nobody up for a key that nobody asked for, nor for one whose answer takes its time', () => {
  const none = healthOf({ keys: 0 });
  assert.deepEqual([none.pick(), none.pick(), none.pick()], [0, 0, 0]);
  const { health, clock, pick } = healthOf();
  assert.deepEqual([pick(), pick()], [0, 0]);
  assert.equal(health.pick().kind, 'later');
  clock.now += 2_000;
  assert.deepEqual([pick(), pick()], [0, 0]);
});

test('createProviderHealth() counts what crossed the refusal of a key, and spends no more on it', () => {
  const { health, clock } = healthOf({ keys: 2 });
  for (let nth = 0; nth < 3; nth++) health.failed(0, refused);
  clock.now += 86_400_000;
  assert.equal(health.due(), undefined);
  const one = healthOf({ keys: 2 });
  for (let nth = 0; nth < 2; nth++) one.health.failed(0, forbidden);
  one.health.probed(0, one.clock.now, forbidden);
  one.clock.now += 86_400_000;
  assert.equal(one.health.due(), undefined, 'two that crossed, and the probe');
});
