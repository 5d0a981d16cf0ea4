// Waiting for a calm machine: what was measured is told, and a machine that stays busy is not waited for for ever.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { waitForCalm } from './machine-load.ts';

test('waitForCalm() is over at the first calm measure, and gives up when it is stopped', async () => {
  const told: [number, boolean][] = [];
  const { signal } = new AbortController();
  assert.equal(await waitForCalm({ calmBelow: 1.1, signal }, (...measured) => told.push(measured)), true);
  assert.equal(told.length, 1);
  assert.ok(told[0]![0] >= 0 && told[0]![0] <= 1 && told[0]![1]);
  assert.equal(await waitForCalm({ calmBelow: 0, signal: AbortSignal.abort() }, () => assert.fail()), false);
  const soon = AbortSignal.timeout(1000);
  assert.equal(await waitForCalm({ calmBelow: 0, signal: soon }, (_busy, calm) => assert.equal(calm, false)), false);
});
