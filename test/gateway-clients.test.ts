// The official clients through the gateway, with only base URL and key changed, before providers of all three dialects.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { Mistral } from '@mistralai/mistralai';
import { Ollama } from 'ollama';
import OpenAI from 'openai';
import { startStandin } from '../src/simulate/standin/standin.ts';
import { type ClientFeature, clientConformance } from './client-conformance.ts';
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

const text: readonly ClientFeature[] = ['complete', 'stream', 'abort', 'json', 'models'];
const isOllama = (dialect: string) => dialect === 'ollama';

for (const provider of clients)
  for (const client of clients)
    clientConformance({
      name: `the gateway before ${provider}`,
      client,
      baseUrl: rigs[provider].url,
      apiKey: userKey,
      model,
      // Tool calls have no common words between Ollama and the others.
      features: isOllama(provider) === isOllama(client) ? [...text, 'tools'] : text,
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

// What this floor does not offer yet; each gets an honest 404 in its own shape.
const base = rigs.openai.url;
const openai = new OpenAI({ baseURL: `${base}/v1`, apiKey: userKey, maxRetries: 0 });
const mistral = new Mistral({ serverURL: base, apiKey: userKey });
const ollama = new Ollama({ host: base, headers: { authorization: `Bearer ${userKey}` } });
const notYet: readonly [string, () => Promise<unknown>][] = [
  ['openai.embeddings', () => openai.embeddings.create({ model, input: 'x' })],
  ['openai.completions', () => openai.completions.create({ model, prompt: 'x' })],
  ['mistral.embeddings', () => mistral.embeddings.create({ model, inputs: ['x'] })],
  ['mistral.fim', () => mistral.fim.complete({ model, prompt: 'x' })],
  ['ollama.embed', () => ollama.embed({ model, input: 'x' })],
  ['ollama.generate', () => ollama.generate({ model, prompt: 'x' })],
];
for (const [name, call] of notYet)
  test(`${name} through the gateway is told that it does not exist`, async () => {
    await assert.rejects(call(), (error: { status?: number; statusCode?: number; status_code?: number }) => {
      assert.equal(error.status ?? error.statusCode ?? error.status_code, 404);
      return true;
    });
  });
