// The official clients against the stand-in: what they can do with the real providers they can do here.

import { after, test } from 'node:test';
import { startStandin } from '../src/simulate/standin/standin.ts';
import { clientConformance } from './client-conformance.ts';
import { until } from './gateway-rig.ts';

const setup = { keys: [{ key: 'sk-standin-test' }], models: ['rempart-standin:latest'] };
const standin = await startStandin(setup);
/** Nobody who leaves after the first word has heard the last one. */
const slow = await startStandin({ ...setup, tokensPerSecond: 5 });
after(async () => {
  await standin.close();
  await slow.close();
});

const statuses = [400, 401, 403, 404, 422, 429, 500, 503];
const errors = statuses.map((status) => ({ status, model: `standin-error-${status}` }));
const shared = { name: 'the stand-in', apiKey: 'sk-standin-test', model: 'rempart-standin:latest', errors };

let abortsSeen = 0;
async function sawAbort(): Promise<void> {
  abortsSeen++;
  await until(() => slow.stats().aborted >= abortsSeen);
}

for (const client of ['openai', 'mistral', 'ollama'] as const) {
  const path = client === 'mistral' ? '/mistral' : '';
  clientConformance({ ...shared, client, baseUrl: standin.url + path, slowUrl: slow.url + path, sawAbort });
}

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

test('startStandin() has no answer under way after its clients are done', () =>
  until(() => standin.stats().open + slow.stats().open === 0));
