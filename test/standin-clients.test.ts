// The official clients against the stand-in: what they can do with the real providers they can do here.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { startStandin } from '../src/simulate/standin/standin.ts';
import { clientConformance } from './client-conformance.ts';

// Slow enough that an abort comes before the end.
const standin = await startStandin({
  tokensPerSecond: 400,
  keys: [{ key: 'sk-standin-test' }],
  models: ['rempart-standin:latest'],
});
after(() => standin.close());

const statuses = [400, 401, 403, 404, 422, 429, 500, 503];
const errors = statuses.map((status) => ({ status, model: `standin-error-${status}` }));
const shared = { name: 'the stand-in', apiKey: 'sk-standin-test', model: 'rempart-standin:latest', errors };

let abortsSeen = 0;
async function sawAbort(): Promise<void> {
  abortsSeen++;
  for (let tries = 0; standin.stats().aborted < abortsSeen; tries++) {
    assert.ok(tries < 100, 'the stand-in went on after the client had left');
    await wait(10);
  }
}

clientConformance({ ...shared, client: 'openai', baseUrl: standin.url, sawAbort });
clientConformance({ ...shared, client: 'mistral', baseUrl: `${standin.url}/mistral`, sawAbort });
clientConformance({ ...shared, client: 'ollama', baseUrl: standin.url, sawAbort });

for (const client of ['openai', 'mistral', 'ollama'] as const)
  clientConformance({
    ...shared,
    name: 'the stand-in with an unknown key',
    client,
    baseUrl: client === 'mistral' ? `${standin.url}/mistral` : standin.url,
    apiKey: 'sk-nobody',
    features: [],
    errors: [{ status: 401 }],
  });

test('startStandin() has no answer under way after its clients are done', () => {
  assert.equal(standin.stats().open, 0);
});
