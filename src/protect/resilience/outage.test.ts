// Signals of an outage: said once, at once where waiting helps nobody, and ended only by what proves it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSignals } from '../../platform/signals.ts';
import { createOutage } from './outage.ts';

function rig() {
  const said: string[] = [];
  const signals = createSignals();
  signals.subscribe(({ kind, severity }) => said.push(`${kind} ${severity}`));
  const clock = { time: 0 };
  return { said, clock, outage: createOutage('up', { now: () => clock.time, signals }) };
}
const failure = { kind: 'server-error', heals: true } as const;

test('createOutage() announces once when the request gives up, and recovery once', () => {
  const { said, outage, clock } = rig();
  for (let i = 0; i < 3; i++) outage.suffered(failure);
  assert.deepEqual(said, []);
  outage.gaveUp();
  outage.gaveUp();
  clock.time = 1;
  outage.healed(1, 'answer');
  assert.deepEqual(said, ['provider-unavailable high', 'provider-recovered info']);
});

test('createOutage() is not healed by an answer to what was asked before the failure', () => {
  const { outage, clock } = rig();
  clock.time = 10;
  outage.suffered(failure);
  outage.healed(9, 'answer');
  assert.equal(outage.active(), true);
  outage.close();
});

test('createOutage() does not believe a probe again that a real failure has contradicted', () => {
  const { outage, clock } = rig();
  outage.suffered(failure);
  outage.healed(1, 'probe');
  assert.equal(outage.active(), false);
  clock.time = 100;
  outage.suffered(failure);
  assert.equal(outage.worthProbing(), false);
  outage.healed(200, 'probe');
  assert.equal(outage.active(), true);
  outage.healed(200, 'answer');
  assert.equal(outage.active(), false);
});

test('createOutage() lets only a real answer end an exhausted quota, announced at once', () => {
  const { said, outage } = rig();
  outage.suffered({ kind: 'quota-exhausted', heals: false });
  assert.deepEqual(said, ['quota-exhausted high']);
  outage.healed(1, 'probe');
  assert.equal(outage.active(), true);
});
