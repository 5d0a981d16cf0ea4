import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registry } from 'prom-client';
import type { GatewayState } from '../protect/gateway/gateway.ts';
import { registerProviders } from './provider-metrics.ts';

test('registerProviders() tells of each provider how many of its keys serve, are on trial, wait or are out', async () => {
  const registry = new Registry();
  let providers: GatewayState['providers'] = [];
  registerProviders(registry, () => ({ providers }));
  providers = [
    {
      name: 'near',
      keys: [
        { index: 0, breaker: 'open', refused: false },
        { index: 1, breaker: 'closed', refused: true },
      ],
    },
    { name: 'far', keys: [{ index: 0, breaker: 'half-open', refused: false }] },
  ];
  const told = async () => {
    const lines = (await registry.metrics()).split('\n').filter((line) => /^rempart_provider_keys\{.* 1$/.test(line));
    return lines.map((line) => /provider="(\w+)",state="([\w-]+)"/.exec(line)!.slice(1, 3).join(' '));
  };
  assert.deepEqual(await told(), ['near open', 'near refused', 'far half-open']);
  providers = [{ name: 'far', keys: [{ index: 0, breaker: 'closed', refused: false }] }];
  assert.deepEqual(await told(), ['far closed'], 'one that the configuration no longer has is not told of');
});
