// What is foreseen of a provider's limits: learnt from its headers, and who still gets what is left.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSignals, type Signal } from '../../platform/signals.ts';
import { createForesight, createForesights } from './foresight.ts';

function rig() {
  const clock = { now: 1_000_000 };
  const signals = createSignals();
  const told: Signal[] = [];
  signals.subscribe((signal) => told.push(signal));
  const parts = { now: () => clock.now, signals };
  const foresight = createForesight(parts, 'acme');
  const openai = (left: number, reset = '60s', limit = 1_000) =>
    foresight.learn({
      'x-ratelimit-limit-requests': String(limit),
      'x-ratelimit-remaining-requests': String(left),
      'x-ratelimit-reset-requests': reset,
    });
  return { clock, told, parts, foresight, openai };
}
const [admin, user, batch] = [0, 1, 2];

test('createForesight() warns at four fifths, and from nine tenths on has those wait who can, until the limit resets', () => {
  const { foresight, openai, clock } = rig();
  assert.equal(foresight.stage(), 'usual');
  assert.equal(foresight.wait(batch), 0, 'nothing is known');
  openai(500);
  assert.equal(foresight.stage(), 'usual');
  openai(190);
  assert.equal(foresight.stage(), 'warning');
  assert.equal(foresight.wait(batch), 0);
  openai(90);
  assert.equal(foresight.stage(), 'rationed');
  assert.equal(foresight.wait(batch), 60_000);
  assert.equal(foresight.wait(user), 0);
  openai(15, '30s');
  assert.equal(foresight.wait(user), 30_000);
  assert.equal(foresight.renewsInMs(), 30_000);
  assert.equal(foresight.wait(admin), 0, 'the last is for administrators');
  clock.now += 30_000;
  assert.equal(foresight.stage(), 'usual', 'what is over is forgotten');
  assert.equal(foresight.renewsInMs(), undefined);
  assert.equal(foresight.wait(batch), 0);
});

test('createForesight() foretells a limit that will not last until it resets, once', () => {
  const { foresight, openai, clock, told } = rig();
  for (let second = 0; second <= 6; second++) {
    openai(1_000 - second * 100, `${60 - second}s`);
    clock.now += 1_000;
  }
  assert.equal(told.length, 1);
  assert.equal(told[0]?.kind, 'quota-warning');
  const { provider, usedPercent, exhaustedInSeconds, resetsInSeconds } = told[0]!.facts;
  assert.deepEqual([provider, usedPercent, exhaustedInSeconds, resetsInSeconds], ['acme', 50, 5, 55]);
  // Four fifths are used within eight seconds: what is left would not last.
  openai(180, '53s');
  assert.equal(foresight.stage(), 'rationed');
  assert.ok(foresight.wait(batch) > 0);
});

test('createForesight() does not ration a limit that lasts at its pace', () => {
  const { foresight, openai, clock } = rig();
  for (let second = 0; second <= 58; second++) {
    openai(1_000 - second * 14, `${60 - second}s`);
    clock.now += 1_000;
  }
  assert.equal(foresight.stage(), 'warning');
  assert.equal(foresight.wait(batch), 0);
});

test('createForesight() reads Mistral’s minutes, which nobody dates, and begins anew when more is left than before', () => {
  const { foresight, clock } = rig();
  const mistral = (left: number) =>
    foresight.learn({
      'x-ratelimit-limit-tokens-minute': '10000',
      'x-ratelimit-remaining-tokens-minute': String(left),
      'x-ratelimit-tokens-query-cost': '12',
    });
  mistral(5_000);
  clock.now += 20_000;
  mistral(500);
  assert.equal(foresight.stage(), 'rationed');
  assert.equal(foresight.wait(batch), 40_000);
  clock.now += 10_000;
  mistral(9_000);
  assert.equal(foresight.stage(), 'usual');
});

test('createForesight() takes no notice of what is no limit', () => {
  const { foresight } = rig();
  for (const [limit, left] of [
    ['0', '0'],
    ['10', '11'],
    ['ten', '1'],
    ['10', '-1'],
  ] as const)
    foresight.learn({ 'x-ratelimit-limit-requests': limit, 'x-ratelimit-remaining-requests': left });
  assert.equal(foresight.state(), undefined);
});

test('createForesights() has one for all providers of a workspace', () => {
  const foresights = createForesights(rig().parts);
  assert.equal(foresights.of('acme'), foresights.of('acme'));
  assert.notEqual(foresights.of('acme'), foresights.of('other'));
});
