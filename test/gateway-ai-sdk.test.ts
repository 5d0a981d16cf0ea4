// The Vercel AI SDK through the gateway, with each of its providers, before stand-ins of all three dialects.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createMistral } from '@ai-sdk/mistral';
import { createOpenAI } from '@ai-sdk/openai';
import { APICallError, dynamicTool, embedMany, generateText, jsonSchema, streamText } from 'ai';
import { createOllama } from 'ollama-ai-provider-v2';
import { startStandin } from '../src/simulate/standin/standin.ts';
import { startRig, until, userKey } from './gateway-rig.ts';

const model = 'rempart-standin:latest';
const setup = { keys: [{ key: 'sk-provider' }], models: [model], missingModels: ['gone'] };
const standin = await startStandin(setup);
/** Nobody who leaves after the first word has heard the last one. */
const slow = await startStandin({ ...setup, tokensPerSecond: 5 });
const settings = { retries: { max: 0, baseMs: 1, maxWaitMs: 1 }, breaker: { failures: 1_000, halfOpenMs: 60_000 } };
const dialects = ['openai', 'mistral', 'ollama'] as const;
const before = (dialect: (typeof dialects)[number], { url }: { url: string }) =>
  startRig([{ name: 'up', dialect, url: dialect === 'mistral' ? `${url}/mistral` : url, key: 'sk-provider' }], {
    settings,
  });
const rigs = await Promise.all(dialects.map((dialect) => before(dialect, standin)));
const slowRigs = await Promise.all(dialects.map((dialect) => before(dialect, slow)));
const exhausted = await before('openai', standin);
after(async () => {
  for (const rig of [...rigs, ...slowRigs, exhausted]) await rig.close();
  await standin.close();
  await slow.close();
});

const clients = {
  openai: (url: string, apiKey: string) => {
    const provider = createOpenAI({ baseURL: `${url}/v1`, apiKey });
    // Not its default, which asks at /v1/responses.
    return { chat: (id: string) => provider.chat(id), embedding: (id: string) => provider.textEmbeddingModel(id) };
  },
  mistral: (url: string, apiKey: string) => {
    const provider = createMistral({ baseURL: `${url}/v1`, apiKey });
    return { chat: (id: string) => provider(id), embedding: (id: string) => provider.textEmbeddingModel(id) };
  },
  ollama: (url: string, apiKey: string) => {
    const provider = createOllama({ baseURL: `${url}/api`, headers: { authorization: `Bearer ${apiKey}` } });
    return { chat: (id: string) => provider(id), embedding: (id: string) => provider.textEmbeddingModel(id) };
  },
};
const weather = dynamicTool({
  description: 'The weather of a city',
  inputSchema: jsonSchema({
    type: 'object',
    properties: { city: { type: 'string' }, days: { type: 'integer' } },
    required: ['city'],
  }),
  execute: () => Promise.resolve('sunny, 24 °C'),
});
const tools = { get_weather: weather };
const prompt = 'What is the capital of France?';
const asksTool = 'Use get_weather for Lyon, 3 days';

for (const [at, upstream] of dialects.entries())
  for (const client of dialects) {
    const title = (text: string) => `the AI SDK's ${client} provider before ${upstream} ${text}`;
    const reach = () => clients[client](rigs[at]!.url, userKey);

    test(title('answers, and streams the same text'), async () => {
      const chat = reach().chat(model);
      const whole = await generateText({ model: chat, prompt, maxRetries: 0 });
      assert.match(whole.text, /\[stand-in\]/);
      const streamed = streamText({ model: chat, prompt, maxRetries: 0 });
      const pieces: string[] = [];
      for await (const piece of streamed.textStream) pieces.push(piece);
      assert.equal(pieces.join(''), whole.text);
      assert.ok(pieces.length > 5);
      assert.equal(await streamed.finishReason, 'stop');
    });

    test(title('calls a tool, whole and streamed'), async () => {
      const asked = { model: reach().chat(model), prompt: asksTool, tools, maxRetries: 0 };
      const whole = await generateText(asked);
      const streamed = streamText(asked);
      for (const calls of [whole.toolCalls, await streamed.toolCalls]) {
        assert.equal(calls[0]?.toolName, 'get_weather');
        assert.deepEqual(calls[0]?.input, { city: 'Lyon', days: 3 });
      }
    });

    test(title('embeds'), async () => {
      const { embeddings } = await embedMany({
        model: reach().embedding(model),
        values: ['one', 'two', 'one'],
        maxRetries: 0,
      });
      assert.equal(embeddings.length, 3);
      assert.deepEqual(embeddings[0], embeddings[2]);
      assert.notDeepEqual(embeddings[0], embeddings[1]);
    });

    test(title('ends the upstream call when it goes away'), async () => {
      const { aborted } = slow.stats();
      const leave = new AbortController();
      const far = clients[client](slowRigs[at]!.url, userKey);
      const streamed = streamText({ model: far.chat(model), prompt, maxRetries: 0, abortSignal: leave.signal });
      for await (const _piece of streamed.textStream) {
        leave.abort();
        break;
      }
      await until(() => slow.stats().aborted > aborted);
    });

    for (const [status, id, key, retryable] of [
      [401, model, 'sk-wrong', false],
      [400, 'standin-error-400', userKey, false],
      [404, 'gone', userKey, false],
      [503, 'standin-error-503', userKey, true],
    ] as const)
      test(title(`raises APICallError for ${status}`), async () => {
        const asked = generateText({ model: clients[client](rigs[at]!.url, key).chat(id), prompt, maxRetries: 0 });
        await assert.rejects(asked, (error) => {
          assert.ok(APICallError.isInstance(error), String(error));
          assert.equal(error.statusCode, status);
          assert.equal(error.isRetryable, retryable);
          return true;
        });
      });
  }

for (const client of dialects)
  test(`the AI SDK's ${client} provider raises APICallError for an exhausted quota`, async () => {
    const asked = generateText({
      model: clients[client](exhausted.url, userKey).chat('standin-error-429-quota'),
      prompt,
      maxRetries: 0,
    });
    await assert.rejects(asked, (error) => {
      assert.ok(APICallError.isInstance(error), String(error));
      assert.equal(error.statusCode, 429);
      assert.ok(Number(error.responseHeaders?.['retry-after']) > 0);
      return true;
    });
  });
