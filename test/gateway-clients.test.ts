// The official clients through the gateway, with only base URL and key changed, before providers of all three dialects.
import { after } from 'node:test';
import { startStandin } from '../src/simulate/standin/standin.ts';
import { clientConformance } from './client-conformance.ts';
import { startRig, until, userKey } from './gateway-rig.ts';

const model = 'rempart-standin:latest';
const setup = { keys: [{ key: 'sk-provider' }], models: [model], missingModels: ['gone'] };
const standin = await startStandin(setup);
/** Nobody who leaves after the first word has heard the last one. */
const slow = await startStandin({ ...setup, tokensPerSecond: 5 });
const clients = ['openai', 'mistral', 'ollama'] as const;
// The errors below are many in a row: the breaker has tests of its own.
const settings = { retries: { max: 0, baseMs: 1, maxWaitMs: 1 }, breaker: { failures: 1_000, halfOpenMs: 60_000 } };
const before = (dialect: (typeof clients)[number], { url }: { url: string }) =>
  startRig([{ name: 'up', dialect, url: dialect === 'mistral' ? `${url}/mistral` : url, key: 'sk-provider' }], {
    settings,
  });
const rigs = new Map(
  await Promise.all(
    clients.map(async (one) => [one, { quick: await before(one, standin), slow: await before(one, slow) }] as const),
  ),
);
// Apart, since an exhausted quota rightly stops what comes after it.
const exhausted = await before('openai', standin);
after(async () => {
  for (const rig of [...[...rigs.values()].flatMap((pair) => [pair.quick, pair.slow]), exhausted]) await rig.close();
  await standin.close();
  await slow.close();
});

let abortsSeen = 0;
async function sawAbort(): Promise<void> {
  abortsSeen++;
  await until(() => slow.stats().aborted >= abortsSeen);
}

for (const provider of clients)
  for (const client of clients)
    clientConformance({
      name: `the gateway before ${provider}`,
      client,
      baseUrl: rigs.get(provider)!.quick.url,
      slowUrl: rigs.get(provider)!.slow.url,
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
