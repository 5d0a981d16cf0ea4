// The official clients through the gateway, with only base URL and key changed, before providers of all three dialects.
import assert from 'node:assert/strict';
import { after } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { startStandin } from '../src/simulate/standin/standin.ts';
import { clientConformance } from './client-conformance.ts';
import { startRig, userKey } from './gateway-rig.ts';

const model = 'rempart-standin:latest';
const standin = await startStandin({
  tokensPerSecond: 400,
  keys: [{ key: 'sk-provider' }],
  models: [model],
  missingModels: ['gone'],
});
const clients = ['openai', 'mistral', 'ollama'] as const;
const urls = { openai: standin.url, mistral: `${standin.url}/mistral`, ollama: standin.url };
// The errors below are many in a row: the breaker has tests of its own.
const settings = { retries: { max: 0, baseMs: 1, maxWaitMs: 1 }, breaker: { failures: 1_000, halfOpenMs: 60_000 } };
const rigs = {
  openai: await startRig([{ name: 'up', dialect: 'openai', url: urls.openai, key: 'sk-provider' }], { settings }),
  mistral: await startRig([{ name: 'up', dialect: 'mistral', url: urls.mistral, key: 'sk-provider' }], { settings }),
  ollama: await startRig([{ name: 'up', dialect: 'ollama', url: urls.ollama, key: 'sk-provider' }], { settings }),
};
// Apart, since an exhausted quota rightly stops what comes after it.
const exhausted = await startRig([{ name: 'up', dialect: 'openai', url: urls.openai, key: 'sk-provider' }], {
  settings,
});
after(async () => {
  for (const rig of [...Object.values(rigs), exhausted]) await rig.close();
  await standin.close();
});

let abortsSeen = 0;
async function sawAbort(): Promise<void> {
  abortsSeen++;
  for (let tries = 0; standin.stats().aborted < abortsSeen; tries++) {
    assert.ok(tries < 100, 'the provider went on after the client had left');
    await wait(10);
  }
}

for (const provider of clients)
  for (const client of clients)
    clientConformance({
      name: `the gateway before ${provider}`,
      client,
      baseUrl: rigs[provider].url,
      apiKey: userKey,
      model,
      sawAbort,
      errors: [
        { status: 401, apiKey: 'sk-wrong' },
        { status: 400, model: 'standin-error-400' },
        { status: 404, model: 'gone' },
        { status: 503, model: 'standin-error-503' },
      ],
    });

for (const client of clients)
  clientConformance({
    name: 'the gateway whose quota is exhausted',
    client,
    baseUrl: exhausted.url,
    apiKey: userKey,
    model,
    features: [],
    errors: [{ status: 429, model: 'standin-error-429-quota' }],
  });
