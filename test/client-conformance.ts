// What the official clients of OpenAI, Mistral and Ollama must be able to do: the same cases for the stand-in and for what stands before it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Mistral } from '@mistralai/mistralai';
import { HTTPValidationError, RequestAbortedError, SDKError } from '@mistralai/mistralai/models/errors';
import { Ollama } from 'ollama';
import OpenAI from 'openai';

export type ClientFeature = 'complete' | 'stream' | 'abort' | 'tools' | 'json' | 'embeddings' | 'models';

export interface ConformanceOptions {
  /** What is tested, for the titles. */
  name: string;
  client: 'openai' | 'mistral' | 'ollama';
  /** Origin, with a path before /v1 or /api where there is one. */
  baseUrl: string;
  /** The same where answers are so slow that whoever goes away has gone before their end; default: `baseUrl`. */
  slowUrl?: string;
  apiKey: string;
  model: string;
  /** Default: all. */
  features?: readonly ClientFeature[];
  /** How to provoke each status: by a model's name or by a key. */
  errors?: readonly { status: number; model?: string; apiKey?: string }[];
  /** Resolves once the far end has seen that the client went away; rejects when it does not. */
  sawAbort?: () => Promise<void>;
}

/** What a suite asks of one client; each resolves to plain values that the cases judge. */
interface Driver {
  complete(question: string): Promise<{ text: string; model: string; tokens: number; finish: string }>;
  stream(question: string): Promise<{ pieces: string[]; tokens: number; finish: string }>;
  /** Reads one piece, then goes away; resolves to whether the client said so. */
  abort(question: string): Promise<boolean>;
  useTool(question: string): Promise<{ name: string; arguments: unknown; answer: string }>;
  json(question: string): Promise<string>;
  embed(texts: string[]): Promise<number[][]>;
  models(): Promise<string[]>;
  /** The client's own typed error for this status, or an assertion that fails. */
  fails(status: number): Promise<void>;
}

const marker = 'mk-7f3a9c21';
const question = `What is the capital of France? ${marker}`;
const weather = {
  name: 'get_weather',
  description: 'The weather of a city',
  parameters: {
    type: 'object',
    properties: { city: { type: 'string' }, days: { type: 'integer' } },
    required: ['city'],
  },
};
const weatherQuestion = 'Use get_weather for Lyon, 3 days';

/** Registers the cases with node:test. */
export function clientConformance(options: ConformanceOptions): void {
  const driver = (changes: Partial<ConformanceOptions> = {}) => drivers[options.client]({ ...options, ...changes });
  const features = new Set<ClientFeature>(
    options.features ?? ['complete', 'stream', 'abort', 'tools', 'json', 'embeddings', 'models'],
  );
  const title = (text: string) => `${options.client} client against ${options.name} ${text}`;
  const when = (feature: ClientFeature, text: string, run: () => Promise<void>) => {
    if (features.has(feature)) test(title(text), run);
  };

  when('complete', 'completes, with usage and the marker of the question', async () => {
    const answer = await driver().complete(question);
    assert.match(answer.text, /\[stand-in\]/);
    assert.ok(answer.text.includes(marker));
    assert.match(answer.model, /standin/);
    assert.ok(answer.tokens > 5);
    assert.equal(answer.finish, 'stop');
  });
  when('stream', 'streams the same text in pieces, with usage and an end', async () => {
    const [whole, streamed] = [await driver().complete(question), await driver().stream(question)];
    assert.ok(streamed.pieces.length > 5);
    assert.equal(streamed.pieces.join(''), whole.text);
    assert.equal(streamed.tokens, whole.tokens);
    assert.equal(streamed.finish, 'stop');
  });
  when('stream', 'streams French with its accents whole', async () => {
    const streamed = await driver().stream('Bonjour, à quelle heure êtes-vous réveillé ?');
    assert.match(streamed.pieces.join(''), /^\[doublure\] .*réveillé/);
  });
  when('abort', 'aborts a stream and the far end stops', async () => {
    assert.equal(await driver({ baseUrl: options.slowUrl ?? options.baseUrl }).abort(question), true);
    await options.sawAbort?.();
  });
  when('tools', 'uses a tool and tells its result', async () => {
    const use = await driver().useTool(weatherQuestion);
    assert.equal(use.name, 'get_weather');
    assert.deepEqual(use.arguments, { city: 'Lyon', days: 3 });
    assert.match(use.answer, /sunny, 24/);
  });
  when('json', 'gets JSON when it asks for it', async () => {
    const answer: unknown = JSON.parse(await driver().json('Answer in json: who are you?'));
    assert.ok(typeof answer === 'object' && answer !== null && 'standin' in answer && answer.standin === true);
  });
  when('embeddings', 'embeds: one vector a text, equal for equal texts', async () => {
    const vectors = await driver().embed(['one', 'two', 'one']);
    assert.equal(vectors.length, 3);
    assert.deepEqual(vectors[0], vectors[2]);
    assert.notDeepEqual(vectors[0], vectors[1]);
    assert.ok(Math.abs(Math.hypot(...vectors[0]!) - 1) < 1e-3);
  });
  when('models', 'lists models', async () => {
    assert.ok((await driver().models()).includes(options.model));
  });
  for (const { status, ...changes } of options.errors ?? [])
    test(title(`raises its own typed error for ${status}`), () => driver(changes).fails(status));
}

type Reach = Pick<ConformanceOptions, 'baseUrl' | 'apiKey' | 'model'>;

const drivers: Readonly<Record<ConformanceOptions['client'], (reach: Reach) => Driver>> = {
  openai: openaiDriver,
  mistral: mistralDriver,
  ollama: ollamaDriver,
};

function openaiDriver({ baseUrl, apiKey, model }: Reach): Driver {
  const client = new OpenAI({ baseURL: `${baseUrl}/v1`, apiKey, maxRetries: 0, timeout: 60_000 });
  const ask = (content: string) => ({ model, messages: [{ role: 'user' as const, content }] });
  const classes: Readonly<Record<number, new (...parts: never[]) => Error>> = {
    400: OpenAI.BadRequestError,
    401: OpenAI.AuthenticationError,
    403: OpenAI.PermissionDeniedError,
    404: OpenAI.NotFoundError,
    422: OpenAI.UnprocessableEntityError,
    429: OpenAI.RateLimitError,
    500: OpenAI.InternalServerError,
    503: OpenAI.InternalServerError,
  };
  return {
    async complete(text) {
      const { model: by, choices, usage } = await client.chat.completions.create(ask(text));
      const [choice] = choices;
      return {
        text: choice!.message.content ?? '',
        model: by,
        tokens: usage!.completion_tokens,
        finish: choice!.finish_reason,
      };
    },
    async stream(text) {
      const chunks = await client.chat.completions.create({
        ...ask(text),
        stream: true,
        stream_options: { include_usage: true },
      });
      const read = { pieces: [] as string[], tokens: 0, finish: '' };
      for await (const { choices, usage } of chunks) {
        if (choices[0]?.delta.content) read.pieces.push(choices[0].delta.content);
        read.finish ||= choices[0]?.finish_reason ?? '';
        read.tokens ||= usage?.completion_tokens ?? 0;
      }
      return read;
    },
    async abort(text) {
      const chunks = await client.chat.completions.create({ ...ask(text), stream: true });
      for await (const chunk of chunks) if (chunk.choices[0]?.delta.content) chunks.controller.abort();
      return chunks.controller.signal.aborted;
    },
    async useTool(text) {
      const tools = [{ type: 'function' as const, function: weather }];
      const first = await client.chat.completions.create({ ...ask(text), tools });
      const { message } = first.choices[0]!;
      const call = message.tool_calls![0]!;
      assert.ok(call.type === 'function');
      const result = { role: 'tool' as const, tool_call_id: call.id, content: 'sunny, 24 °C' };
      const messages = [...ask(text).messages, message, result];
      const second = await client.chat.completions.create({ model, messages, tools });
      return {
        name: call.function.name,
        arguments: JSON.parse(call.function.arguments),
        answer: second.choices[0]!.message.content ?? '',
      };
    },
    async json(text) {
      const response_format = { type: 'json_object' as const };
      const answer = await client.chat.completions.create({ ...ask(text), response_format });
      return answer.choices[0]!.message.content ?? '';
    },
    embed: async (input) => (await client.embeddings.create({ model, input })).data.map((item) => item.embedding),
    models: async () => (await client.models.list()).data.map((one) => one.id),
    async fails(status) {
      await assert.rejects(client.chat.completions.create(ask('Hello')), (error: unknown) => {
        assert.ok(error instanceof OpenAI.APIError, String(error));
        assert.ok(error instanceof classes[status]!, `${error.name} for ${status}`);
        assert.equal(error.status, status);
        assert.equal(typeof error.type, 'string');
        assert.equal(typeof error.requestID, 'string');
        return true;
      });
    },
  };
}

function mistralDriver({ baseUrl, apiKey, model }: Reach): Driver {
  const client = new Mistral({ serverURL: baseUrl, apiKey, retryConfig: { strategy: 'none' }, timeoutMs: 60_000 });
  const ask = (content: string) => ({ model, messages: [{ role: 'user' as const, content }] });
  const asText = (content: unknown) => (typeof content === 'string' ? content : '');
  return {
    async complete(text) {
      const { model: by, choices, usage } = await client.chat.complete(ask(text));
      const choice = choices[0]!;
      return {
        text: asText(choice.message?.content),
        model: by,
        tokens: usage.completionTokens ?? 0,
        finish: choice.finishReason,
      };
    },
    async stream(text) {
      const read = { pieces: [] as string[], tokens: 0, finish: '' };
      for await (const { data } of await client.chat.stream(ask(text))) {
        const choice = data.choices[0];
        const piece = asText(choice?.delta.content);
        if (piece !== '') read.pieces.push(piece);
        read.finish ||= choice?.finishReason ?? '';
        read.tokens ||= data.usage?.completionTokens ?? 0;
      }
      return read;
    },
    async abort(text) {
      const leave = new AbortController();
      try {
        for await (const { data } of await client.chat.stream(ask(text), { signal: leave.signal }))
          if (asText(data.choices[0]?.delta.content) !== '') leave.abort();
      } catch (error) {
        return error instanceof RequestAbortedError || (error as Error).name === 'AbortError';
      }
      return false;
    },
    async useTool(text) {
      const tools = [{ type: 'function' as const, function: weather }];
      const first = await client.chat.complete({ ...ask(text), tools });
      const message = first.choices[0]!.message!;
      const call = message.toolCalls![0]!;
      const result = { role: 'tool' as const, toolCallId: call.id!, name: 'get_weather', content: 'sunny, 24 °C' };
      const messages = [...ask(text).messages, { ...message, role: 'assistant' as const }, result];
      const second = await client.chat.complete({ model, messages, tools });
      const given = call.function.arguments;
      return {
        name: call.function.name,
        arguments: typeof given === 'string' ? JSON.parse(given) : given,
        answer: asText(second.choices[0]!.message?.content),
      };
    },
    async json(text) {
      const answer = await client.chat.complete({ ...ask(text), responseFormat: { type: 'json_object' } });
      return asText(answer.choices[0]!.message?.content);
    },
    embed: async (inputs) => (await client.embeddings.create({ model, inputs })).data.map((item) => item.embedding!),
    models: async () => ((await client.models.list()).data ?? []).map((one) => ('id' in one ? one.id : '')),
    async fails(status) {
      await assert.rejects(client.chat.complete(ask('Hello')), (error: unknown) => {
        if (status === 422) {
          assert.ok(error instanceof HTTPValidationError, String(error));
          assert.ok((error.detail?.length ?? 0) > 0);
        } else assert.ok(error instanceof SDKError, String(error));
        assert.equal(error.statusCode, status);
        return true;
      });
    },
  };
}

function ollamaDriver({ baseUrl, apiKey, model }: Reach): Driver {
  const client = new Ollama({ host: baseUrl, headers: { authorization: `Bearer ${apiKey}` } });
  const ask = (content: string) => ({ model, messages: [{ role: 'user', content }] });
  return {
    async complete(text) {
      const answer = await client.chat(ask(text));
      return {
        text: answer.message.content,
        model: answer.model,
        tokens: answer.eval_count,
        finish: answer.done_reason,
      };
    },
    async stream(text) {
      const read = { pieces: [] as string[], tokens: 0, finish: '' };
      for await (const part of await client.chat({ ...ask(text), stream: true })) {
        if (part.message.content !== '') read.pieces.push(part.message.content);
        if (part.done) Object.assign(read, { tokens: part.eval_count, finish: part.done_reason });
      }
      return read;
    },
    async abort(text) {
      const parts = await client.chat({ ...ask(text), stream: true });
      try {
        for await (const part of parts) if (part.message.content !== '') parts.abort();
      } catch (error) {
        return (error as Error).name === 'AbortError';
      }
      return false;
    },
    async useTool(text) {
      const tools = [{ type: 'function', function: weather }];
      const first = await client.chat({ ...ask(text), tools });
      const call = first.message.tool_calls![0]!;
      const result = { role: 'tool', tool_name: call.function.name, content: 'sunny, 24 °C' };
      const second = await client.chat({ model, messages: [...ask(text).messages, first.message, result], tools });
      return { name: call.function.name, arguments: call.function.arguments, answer: second.message.content };
    },
    json: async (text) => (await client.chat({ ...ask(text), format: 'json' })).message.content,
    embed: async (input) => (await client.embed({ model, input })).embeddings,
    models: async () => (await client.list()).models.map((one) => one.name),
    async fails(status) {
      await assert.rejects(client.chat(ask('Hello')), (error: unknown) => {
        // The client does not export its error class.
        assert.ok(error instanceof Error && error.name === 'ResponseError', String(error));
        assert.equal((error as Error & { status_code: number }).status_code, status);
        return true;
      });
    },
  };
}
