// What Prometheus is told of baselines of behaviour.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registry } from 'prom-client';
import { registerBehaviour } from './behaviour-metrics.ts';

test('registerBehaviour() tells whether the baseline is cold or warm, as it is when asked, and what it has learned from', async () => {
  const state = { cold: true, learned: 12, needed: 300 };
  const registry = new Registry();
  registerBehaviour(registry, { state: () => state });
  const cold = await registry.metrics();
  assert.match(cold, /rempart_behaviour_baselines\{state="cold"\} 1\n/);
  assert.match(cold, /rempart_behaviour_baselines\{state="warm"\} 0\n/);
  assert.match(cold, /rempart_behaviour_learned_requests 12\n/);
  state.cold = false;
  const warm = await registry.metrics();
  assert.match(warm, /rempart_behaviour_baselines\{state="cold"\} 0\n/);
  assert.match(warm, /rempart_behaviour_baselines\{state="warm"\} 1\n/);
});
