// The built-in alert rules: raised at their threshold, within their window, once a window.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSignals, type Signal } from '../../platform/signals.ts';
import { noMetrics } from '../gateway/metrics.ts';
import { watchThresholds } from './watch-thresholds.ts';

function rig() {
  let at = 1_000_000;
  const signals = createSignals();
  const raised: Signal[] = [];
  signals.subscribe((signal) => {
    if (signal.kind === 'alert-threshold') raised.push(signal);
  });
  const { metrics } = watchThresholds({ now: () => at, signals, metrics: noMetrics });
  const crossing = (kind: string) =>
    signals.emit({ kind: 'network-crossing', time: at, severity: 'high', facts: { kind } });
  return { raised, metrics, crossing, pass: (ms: number) => (at += ms) };
}

for (const [what, threshold, windowMs, once] of [
  ['failed-auth', 10, 60_000, (m: typeof noMetrics) => m.failedAuth('unknown')],
  ['suspicious-prompts', 5, 3_600_000, (m: typeof noMetrics) => m.suspicious('injection', 'user')],
] as const)
  test(`watchThresholds() raises ${what} at the ${threshold}th within its window, and once a window`, () => {
    const { raised, metrics, pass } = rig();
    for (let nth = 1; nth < threshold; nth++) once(metrics);
    assert.equal(raised.length, 0);
    once(metrics);
    assert.deepEqual(
      raised.map(({ facts }) => facts['rule']),
      [what],
    );
    for (let nth = 0; nth < 50; nth++) once(metrics);
    assert.equal(raised.length, 1);
    pass(windowMs);
    once(metrics);
    assert.equal(raised.length, 1, 'the window has only one');
    for (let nth = 1; nth < threshold; nth++) once(metrics);
    assert.equal(raised.length, 2);
  });

test('watchThresholds() raises nothing for as many that are spread over more than the window', () => {
  const { raised, metrics, pass } = rig();
  for (let nth = 0; nth < 40; nth++) {
    metrics.failedAuth('missing');
    pass(7_000);
  }
  assert.equal(raised.length, 0);
});

test('watchThresholds() raises a host access violation at once, and nothing for another crossing', () => {
  const { raised, crossing } = rig();
  crossing('zone');
  assert.equal(raised.length, 0);
  crossing('host-access');
  assert.deepEqual(
    raised.map(({ severity, facts }) => [severity, facts['rule']]),
    [['critical', 'host-access']],
  );
});
