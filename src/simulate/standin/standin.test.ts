// The stand-in on the wire, read without a client: what each provider sends and what it refuses.
import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { createNdjsonParser } from '../../platform/wire/ndjson.ts';
import { createSseParser } from '../../platform/wire/sse.ts';
import { type Standin, type StandinOptions, startStandin } from './standin.ts';

async function using<T>(options: StandinOptions, work: (standin: Standin) => Promise<T>): Promise<T> {
  const standin = await startStandin(options);
  try {
    return await work(standin);
  } finally {
    await standin.close();
  }
}

const hello = [{ role: 'user', content: 'Hello, what is new? mk-12345678' }];
const chat = (more: object = {}) => ({ model: 'some-model', messages: hello, ...more });

async function post(standin: Standin, path: string, body: unknown, key?: string) {
  const headers = key === undefined ? {} : { authorization: `Bearer ${key}` };
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const response = await fetch(standin.url + path, { method: 'POST', headers, body: text });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

function sseData(text: string): string[] {
  const data: string[] = [];
  const parser = createSseParser((event) => data.push(event.data));
  parser.push(Buffer.from(text));
  assert.equal(parser.end().clean, true);
  return data;
}

function ndjsonLines(text: string) {
  const lines: { done: boolean; message: { content: string }; done_reason?: string; eval_count?: number }[] = [];
  const parser = createNdjsonParser((line) => lines.push(JSON.parse(line)));
  parser.push(Buffer.from(text));
  assert.equal(parser.end().clean, true);
  return lines;
}

test('startStandin() streams OpenAI usage in a chunk of its own, only when asked', () =>
  using({}, async (standin) => {
    const asked = sseData(
      (await post(standin, '/v1/chat/completions', chat({ stream: true, stream_options: { include_usage: true } })))
        .text,
    );
    assert.equal(asked.at(-1), '[DONE]');
    const usage = JSON.parse(asked.at(-2)!);
    assert.deepEqual(usage.choices, []);
    assert.equal(usage.usage.completion_tokens, asked.length - 4);
    assert.equal(usage.system_fingerprint, 'fp_standin');
    const unasked = sseData((await post(standin, '/v1/chat/completions', chat({ stream: true }))).text);
    assert.equal(JSON.parse(unasked.at(-2)!).choices[0].finish_reason, 'stop');
    assert.ok(!unasked.join('').includes('usage'));
  }));

test('startStandin() streams Mistral usage unasked in the chunk that ends the answer', () =>
  using({ dialect: 'mistral' }, async (standin) => {
    const data = sseData((await post(standin, '/v1/chat/completions', chat({ stream: true }))).text);
    const last = JSON.parse(data.at(-2)!);
    assert.equal(last.choices[0].finish_reason, 'stop');
    assert.equal(last.usage.total_tokens, last.usage.prompt_tokens + last.usage.completion_tokens);
    assert.equal(last.model, 'some-model-standin');
    assert.equal(last.system_fingerprint, undefined);
  }));

test('startStandin() refuses stream_options as Mistral does, and takes it as OpenAI', () =>
  using({}, async (standin) => {
    const body = chat({ stream_options: { include_usage: true } });
    const refused = await post(standin, '/mistral/v1/chat/completions', body);
    assert.equal(refused.status, 422);
    assert.deepEqual(JSON.parse(refused.text).detail[0].loc, ['body', 'stream_options']);
    assert.equal((await post(standin, '/v1/chat/completions', body)).status, 200);
  }));

test('startStandin() streams Ollama by default, one JSON object a line', () =>
  using({}, async (standin) => {
    const answer = await post(standin, '/api/chat', chat({ options: { num_predict: 4 } }));
    assert.equal(answer.headers.get('content-type'), 'application/x-ndjson');
    const lines = ndjsonLines(answer.text);
    assert.deepEqual(
      lines.map((line) => line.done),
      [false, false, false, false, true],
    );
    assert.equal(lines.at(-1)?.done_reason, 'length');
    assert.equal(lines.at(-1)?.eval_count, 4);
  }));

test('startStandin() gives an Ollama request with a foreign Host 403 with nothing in it', () =>
  using({}, async (standin) => {
    const ask = (host: string) =>
      new Promise<{ status: number; length: number }>((resolve, reject) => {
        const request = httpRequest(`${standin.url}/api/tags`, { headers: { host } }, async (response) => {
          let length = 0;
          for await (const chunk of response) length += chunk.length;
          resolve({ status: response.statusCode ?? 0, length });
        });
        request.on('error', reject).end();
      });
    assert.deepEqual(await ask('evil.example'), { status: 403, length: 0 });
    assert.equal((await ask('localhost:11434')).status, 200);
  }));

test('startStandin() loads and unloads an Ollama model, and shows it as loaded', () =>
  using({}, async (standin) => {
    const loaded = async () => JSON.parse(await (await fetch(`${standin.url}/api/ps`)).text()).models.length;
    const reason = async (body: object) => JSON.parse((await post(standin, '/api/generate', body)).text).done_reason;
    assert.equal(await reason({ model: 'm' }), 'load');
    assert.equal(await loaded(), 1);
    assert.equal(await reason({ model: 'm', keep_alive: 0 }), 'unload');
    assert.equal(await loaded(), 0);
  }));

for (const [path, status, part] of [
  ['/v1/chat/completions', 404, '"code":"model_not_found"'],
  ['/mistral/v1/chat/completions', 400, '"code":"1500"'],
  ['/api/chat', 404, "model 'Gone' not found"],
] as const)
  test(`startStandin() answers ${status} for a missing model on ${path}`, () =>
    using({ missingModels: ['gone:latest'] }, async (standin) => {
      const answer = await post(standin, path, chat({ model: 'Gone' }));
      assert.equal(answer.status, status);
      assert.ok(answer.text.includes(part), answer.text);
    }));

for (const [path, body, status, part] of [
  ['/v1/chat/completions', '{"model":', 400, '"type":"invalid_request_error"'],
  ['/mistral/v1/chat/completions', '{"model":', 422, '"type":"json_invalid"'],
  ['/api/chat', '', 400, '{"error":"missing request body"}'],
  ['/v1/chat/completions', { messages: hello }, 400, 'you must provide a model parameter'],
  ['/mistral/v1/chat/completions', { messages: hello }, 422, '"loc":["body","model"]'],
  ['/api/chat', { messages: hello }, 400, '{"error":"model is required"}'],
  ['/api/chat', chat({ think: true }), 400, 'does not support thinking'],
  ['/v1/chat/completions', { model: 'm', messages: [] }, 400, '"param":"messages"'],
  ['/v1/chat/completions', { model: 'm', messages: [{ role: 'wizard', content: '' }] }, 400, 'messages.0.role'],
  ['/v1/chat/completions', chat({ response_format: { type: 'json_object' } }), 400, "the word 'json'"],
  ['/v1/embeddings', { model: 'm', input: [] }, 400, '"param":"input"'],
  ['/v1/nothing', {}, 404, 'Unknown URL'],
  ['/v1/models', {}, 405, 'Not allowed to use this method'],
  ['/api/pull', { model: 'm' }, 404, '404 page not found'],
  ['/mistral/v1/completions', { model: 'm', prompt: 'x' }, 404, 'Unknown URL'],
] as const)
  test(`startStandin() answers ${status} to ${JSON.stringify(body).slice(0, 60)} on ${path}`, () =>
    using({}, async (standin) => {
      const answer = await post(standin, path, body);
      assert.equal(answer.status, status);
      assert.ok(answer.text.includes(part), answer.text);
    }));

test('startStandin() answers 413 to a body over its limit and keeps serving', () =>
  using({}, async (standin) => {
    assert.equal((await post(standin, '/v1/chat/completions', 'x'.repeat(11 * 1_048_576))).status, 413);
    assert.equal((await post(standin, '/v1/chat/completions', chat())).status, 200);
  }));

test('startStandin() shows each provider its own rate-limit headers, and refuses in its words', () =>
  using({ now: () => 0, keys: [{ key: 'k', limits: { perMinute: 2, tokensPerMinute: 10_000 } }] }, async (standin) => {
    const first = await post(standin, '/v1/chat/completions', chat(), 'k');
    assert.equal(first.headers.get('x-ratelimit-limit-requests'), '2');
    assert.equal(first.headers.get('x-ratelimit-remaining-requests'), '1');
    assert.equal(first.headers.get('x-ratelimit-reset-requests'), '1m0s');
    const second = await post(standin, '/mistral/v1/chat/completions', chat(), 'k');
    assert.equal(second.headers.get('x-ratelimit-remaining-req-minute'), '0');
    assert.equal(second.headers.get('x-ratelimit-limit-tokens-minute'), '10000');
    const { usage } = JSON.parse(second.text);
    assert.equal(second.headers.get('x-ratelimit-tokens-query-cost'), String(usage.total_tokens));
    const openai = await post(standin, '/v1/chat/completions', chat(), 'k');
    assert.equal(openai.status, 429);
    assert.equal(JSON.parse(openai.text).error.type, 'requests');
    assert.equal(openai.headers.get('retry-after'), '60');
    const mistral = await post(standin, '/mistral/v1/chat/completions', chat(), 'k');
    assert.equal(JSON.parse(mistral.text).code, '1300');
  }));

test('startStandin() tells a used-up day from throttling', () =>
  using({ keys: [{ key: 'k', limits: { perDay: 0 } }] }, async (standin) => {
    const openai = await post(standin, '/v1/chat/completions', chat(), 'k');
    assert.deepEqual([openai.status, JSON.parse(openai.text).error.code], [429, 'insufficient_quota']);
    assert.equal(openai.headers.get('retry-after'), null);
    assert.equal((await post(standin, '/mistral/v1/chat/completions', chat(), 'k')).status, 402);
  }));

test('startStandin() can refuse in the words of no provider in particular', () =>
  using({ keys: [{ key: 'k', limits: { perMinute: 0 } }], rateLimitStyle: 'plain' }, async (standin) => {
    const { status, text } = await post(standin, '/v1/chat/completions', chat(), 'k');
    assert.equal(status, 429);
    assert.deepEqual(JSON.parse(text), {
      error: {
        message: 'Rate limit exceeded. Try again later.',
        type: 'rate_limit_error',
        code: 'rate_limit_exceeded',
      },
    });
  }));

test('startStandin() revokes a key, counts who still uses it, and restores it', () =>
  using({ keys: [{ key: 'k' }, { key: 'spare' }] }, async (standin) => {
    const status = async (key?: string) => (await post(standin, '/v1/chat/completions', chat(), key)).status;
    assert.equal(await status('k'), 200);
    standin.revoke('k');
    assert.equal(await status('k'), 401);
    assert.equal(await status('spare'), 200);
    standin.revoke('k', 403);
    assert.equal(await status('k'), 403);
    standin.restore('k');
    assert.equal(await status('k'), 200);
    assert.equal(await status(), 401);
    assert.deepEqual(standin.stats().byKey, {
      k: { requests: 4, refused: 2 },
      spare: { requests: 1, refused: 0 },
      '': { requests: 1, refused: 1 },
    });
  }));

test('startStandin() tells onRequest of each request, refused ones too', async () => {
  const seen: string[] = [];
  const onRequest: StandinOptions['onRequest'] = ({ key, dialect, model, text }) =>
    seen.push([key, dialect, model, text].join('|'));
  await using({ keys: [{ key: 'k' }], onRequest }, async (standin) => {
    await post(standin, '/v1/chat/completions', chat(), 'k');
    await post(standin, '/mistral/v1/chat/completions', chat(), 'bad');
    await post(standin, '/api/generate', { model: 'm', prompt: 'Hi' });
  });
  const question = hello[0]!.content;
  assert.deepEqual(seen, [`k|openai|some-model|${question}`, `bad|mistral|some-model|${question}`, '|ollama|m|Hi']);
});

test('startStandin() keeps the pace of its tokens, whole or streamed', () =>
  using({ tokensPerSecond: 100, firstTokenMs: 50 }, async (standin) => {
    for (const stream of [false, true]) {
      const started = performance.now();
      await post(standin, '/v1/chat/completions', chat({ stream, max_tokens: 10 }));
      const took = performance.now() - started;
      assert.ok(took > 135 && took < 60_000, `${took} ms`);
    }
  }));

test('startStandin() stops when its client leaves before a whole answer is ready', () =>
  using({ firstTokenMs: 60_000 }, async (standin) => {
    const leave = new AbortController();
    const { signal } = leave;
    const body = JSON.stringify(chat());
    const asked = assert.rejects(fetch(`${standin.url}/v1/chat/completions`, { method: 'POST', body, signal }));
    while (standin.stats().open === 0) await wait(5);
    leave.abort();
    await asked;
    while (standin.stats().open > 0) await wait(5);
    assert.deepEqual([standin.stats().open, standin.stats().aborted], [0, 1]);
  }));

test('startStandin() closes at once, with a stream under way', async () => {
  const standin = await startStandin({ firstTokenMs: 60_000 });
  const left = assert.rejects(post(standin, '/v1/chat/completions', chat({ stream: true })));
  while (standin.stats().open === 0) await wait(5);
  await standin.close();
  await left;
});

test('startStandin() honours n, stop, max_tokens and a JSON schema', () =>
  using({}, async (standin) => {
    const ask = async (more: object) => JSON.parse((await post(standin, '/v1/chat/completions', chat(more))).text);
    assert.deepEqual(
      (await ask({ n: 3 })).choices.map((choice: { index: number }) => choice.index),
      [0, 1, 2],
    );
    assert.equal((await ask({ stop: 'Reference' })).choices[0].message.content.includes('Reference'), false);
    const short = (await ask({ max_completion_tokens: 2 })).choices[0];
    assert.deepEqual([short.message.content.split(' ').length, short.finish_reason], [2, 'length']);
    const schema = { type: 'object', properties: { ok: { type: 'boolean' } } };
    const shaped = await ask({ response_format: { type: 'json_schema', json_schema: { name: 's', schema } } });
    assert.deepEqual(JSON.parse(shaped.choices[0].message.content), { ok: true });
  }));

test('startStandin() completes text as OpenAI and fills in the middle as Mistral', () =>
  using({}, async (standin) => {
    const text = JSON.parse((await post(standin, '/v1/completions', { model: 'm', prompt: 'Once' })).text);
    assert.equal(text.object, 'text_completion');
    assert.match(text.choices[0].text, /^\[stand-in\]/);
    const fim = await post(standin, '/v1/fim/completions', {
      model: 'm',
      prompt: 'def f',
      suffix: 'return',
      stream: true,
    });
    assert.equal(JSON.parse(sseData(fim.text)[0]!).choices[0].delta.role, 'assistant');
  }));

test('startStandin() rejects when its port is taken', () =>
  using({}, async ({ port }) => {
    await assert.rejects(startStandin({ port }), { code: 'EADDRINUSE' });
  }));

for (const [dialect, path, status] of [
  ['openai', '/api/tags', 404],
  ['mistral', '/', 404],
  ['ollama', '/v1/models', 200],
  ['openai', '/mistral/v1/models', 404],
  ['all', '/openai/v1/models', 200],
  ['all', '/ollama/api/version', 200],
  ['all', '/v1/models/a%2Fb', 200],
] as const)
  test(`startStandin() for ${dialect} answers ${status} to ${path}`, () =>
    using({ dialect }, async (standin) => {
      assert.equal((await fetch(standin.url + path)).status, status);
    }));
