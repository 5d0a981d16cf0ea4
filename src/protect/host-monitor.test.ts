import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSignals, type Signal } from '../platform/signals.ts';
import { createHostJudge, type HostSample } from './host-monitor.ts';

const calm = { memoryAvailable: 0.5, eventLoopDelayMs: 1, rssBytes: 1e8 };

/** A machine that is sampled four times a second; pressures are shares of the time since the sample before. */
function makeHost(options: { maxRssBytes?: number } = {}) {
  const raised: Signal[] = [];
  const signals = createSignals();
  signals.subscribe((signal) => raised.push(signal));
  const judge = createHostJudge(signals, { now: () => 7, ...options });
  const total = { at: 0, cpuStalledUs: 0, memoryStalledUs: 0 };
  function pass(ms: number, share: { cpu?: number; memory?: number } = {}, more: Partial<HostSample> = {}) {
    for (let passed = 0; passed < ms; passed += 250) {
      total.at += 250;
      total.cpuStalledUs += 250_000 * (share.cpu ?? 0);
      total.memoryStalledUs += 250_000 * (share.memory ?? 0);
      judge.add({ ...calm, ...total, ...more });
    }
    return judge.health().state;
  }
  return { pass, raised, judge };
}

test('createHostJudge() raises after two seconds of pressure and within five, once, and clears after calm', () => {
  const { pass, raised, judge } = makeHost();
  assert.equal(pass(3_000), 'ok');
  assert.equal(pass(1_000, { cpu: 0.95 }), 'ok', 'a second is no overload');
  assert.equal(pass(1_500, { cpu: 0.95 }), 'overloaded');
  assert.equal(judge.health().cpuPressure, 0.95);
  assert.equal(pass(3_000, { cpu: 0.65 }), 'overloaded', 'a lesser burden does not clear what was raised');
  assert.equal(pass(3_000), 'ok');
  assert.deepEqual(
    raised.map(({ kind, severity }) => [kind, severity]),
    [
      ['host-overload', 'high'],
      ['host-recovered', 'info'],
    ],
  );
});

test('createHostJudge() takes a short burst for none', () => {
  const { pass, raised } = makeHost();
  pass(3_000);
  for (let i = 0; i < 5; i++) {
    pass(500, { cpu: 1 });
    pass(2_000);
  }
  assert.deepEqual(raised, []);
});

const strains: [name: string, share: { memory?: number }, more: Partial<HostSample>][] = [
  ['a blocked event loop', {}, { eventLoopDelayMs: 400 }],
  ['waiting for memory', { memory: 0.5 }, {}],
  ['hardly any memory left', {}, { memoryAvailable: 0.03 }],
  ['a process above its budget', {}, { rssBytes: 3e9 }],
];
for (const [name, share, more] of strains) {
  test(`createHostJudge() raises for ${name}`, () => {
    const { pass } = makeHost({ maxRssBytes: 2e9 });
    assert.equal(pass(3_000), 'ok');
    assert.equal(pass(4_000, share, more), 'overloaded');
  });
}
