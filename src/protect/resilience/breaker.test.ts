// The breaker: opens after a run of failures, lets one trial through, and never sends while it is open.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { backoffMs } from './backoff.ts';
import { createBreaker } from './breaker.ts';
import { defaultRefusal, type Refusal, refuse } from './refusal.ts';

const settings = { failures: 3, halfOpenMs: 100 };

test('createBreaker() opens after that many failures in a row, and a success in between begins anew', () => {
  const breaker = createBreaker(settings);
  for (const step of [1, 2]) breaker.failed(step);
  breaker.succeeded();
  for (const step of [3, 4]) breaker.failed(step);
  assert.equal(breaker.state(), 'closed');
  breaker.failed(5);
  assert.deepEqual(breaker.admit(5), { kind: 'wait', ms: 100 });
});

test('createBreaker() lets exactly one trial through after the half-open time', () => {
  const breaker = createBreaker({ ...settings, failures: 1 });
  breaker.failed(0);
  assert.deepEqual(breaker.admit(99), { kind: 'wait', ms: 1 });
  assert.deepEqual(breaker.admit(100), { kind: 'go', trial: true });
  assert.deepEqual(breaker.admit(100), { kind: 'wait', ms: 100 });
  breaker.failed(101);
  assert.equal(breaker.admit(200).kind, 'wait');
  assert.equal(breaker.admit(201).kind, 'go');
  breaker.succeeded();
  assert.deepEqual(breaker.admit(201), { kind: 'go', trial: false });
});

test('createBreaker() gives the place of an abandoned trial back at once', () => {
  const breaker = createBreaker({ ...settings, failures: 1 });
  breaker.failed(0);
  breaker.admit(100);
  breaker.release(150);
  assert.deepEqual(breaker.admit(150), { kind: 'go', trial: true });
});

test('createBreaker() opens at the next failure after a sign of life that proved wrong', () => {
  const breaker = createBreaker({ ...settings, failures: 1 });
  breaker.failed(0);
  breaker.heard();
  assert.equal(breaker.admit(1).kind, 'go');
  breaker.failed(2);
  assert.equal(breaker.state(), 'open');
});

test('createBreaker() never admits while open, whatever happens', () => {
  const step = fc.constantFrom('failed', 'succeeded', 'admit', 'heard', 'release');
  fc.assert(
    fc.property(fc.array(fc.tuple(step, fc.nat(60)), { maxLength: 60 }), (steps) => {
      const breaker = createBreaker(settings);
      let time = 0;
      let openUntil = 0;
      for (const [what, passes] of steps) {
        time += passes;
        const before = breaker.state();
        if (what === 'admit') {
          const admission = breaker.admit(time);
          if (before === 'open' && time < openUntil) assert.equal(admission.kind, 'wait');
          if (before === 'closed') assert.equal(admission.kind, 'go');
        } else breaker[what](time);
        if (breaker.state() === 'open' && before !== 'open')
          openUntil = what === 'release' ? time : time + settings.halfOpenMs;
      }
    }),
  );
});

test('backoffMs() grows, spreads, and is never under the base', () => {
  fc.assert(
    fc.property(
      fc.nat(5),
      fc.integer({ min: 1, max: 1_000 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (retry, base, random) => {
        const ms = backoffMs(retry, base, () => random);
        assert.ok(ms >= base * 2 ** retry && ms <= base * 2 ** retry * 1.5 + 1);
      },
    ),
  );
});

test('refuse() spends its uses with growing pauses of at least a minute while another key serves', () => {
  const settings = { ...defaultRefusal, maxUses: 3, probeAfterMs: 60_000 };
  let state: Refusal = { kind: 'accepted' };
  state = refuse(state, 0, settings, false);
  assert.deepEqual(state, { kind: 'refused', uses: 1, nextProbeAt: 60_000 });
  state = refuse(state, 60_000, settings, false);
  assert.deepEqual(state, { kind: 'refused', uses: 2, nextProbeAt: 180_000 });
  assert.deepEqual(refuse(state, 180_000, settings, false), { kind: 'spent' });
});

test('refuse() asks the last key sooner, and no more often', () => {
  const settings = { ...defaultRefusal, maxUses: 3, lastKeyProbesMs: [4_000, 30_000] as const };
  const once = refuse({ kind: 'accepted' }, 0, settings, true);
  assert.deepEqual(once, { kind: 'refused', uses: 1, nextProbeAt: 4_000 });
  const twice = refuse(once, 4_000, settings, true);
  assert.deepEqual(twice, { kind: 'refused', uses: 2, nextProbeAt: 34_000 });
  assert.deepEqual(refuse(twice, 34_000, settings, true), { kind: 'spent' });
});

test('refuse() counts a call that was sent before the refusal was known, and does not take it for a probe', () => {
  const settings = { ...defaultRefusal, maxUses: 3, lastKeyProbesMs: [4_000, 30_000] as const };
  const once = refuse({ kind: 'accepted' }, 0, settings, true);
  const crossed = refuse(once, 5, settings, true);
  assert.deepEqual(crossed, { ...once, uses: 2 });
  assert.deepEqual(refuse(crossed, 6, settings, true), { kind: 'spent' });
  assert.deepEqual(refuse(crossed, 4_000, settings, true), { kind: 'spent' });
});
