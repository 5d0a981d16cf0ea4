// How many tokens a caller may use, seen from outside: set aside, told to the upstream, settled, and cut off where they end.
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { test } from 'node:test';
import type { ProviderSettings } from '../src/protect/gateway/settings.ts';
import { answering, type Behaviour, beginSse, chunk, json, lastChunk, until, userKey } from './gateway-rig.ts';
import { as, chat, type Given, header, limited, messages, promptTokens, statuses } from './limits-rig.ts';

test('tokens are set aside with the request and settled with what was used', async () => {
  const { rig } = await limited({ every: 'day', tokens: 1_000 });
  const first = await chat(rig, { max_tokens: 500 });
  const set = 1_000 - Number(header(first, 'remaining-tokens'));
  assert.ok(set >= 505 && set <= 515, String(set));
  // The upstream says that it used 5.
  const second = await chat(rig, { max_tokens: 500 });
  assert.equal(1_000 - Number(header(second, 'remaining-tokens')), set + 5);
  const tooLarge = await chat(rig, { max_tokens: 1_001 });
  assert.equal(tooLarge.status, 429);
  assert.match(tooLarge.text, /ERR_LIMIT_TOO_LARGE/);
  assert.equal(tooLarge.headers['x-should-retry'], 'false');
  assert.equal(tooLarge.headers['retry-after'], undefined);
});

test('a quota of tokens is told to the upstream as the longest answer, in its own words', async () => {
  const given: Given = { rules: [{ every: 'day', tokens: 1_000 }], tokens: { defaultAnswer: 200, maxAnswer: 300 } };
  const sent = async (dialect: ProviderSettings['dialect'], path: string, body: object) => {
    const { rig, bodies } = await limited(given, { dialect });
    await rig.ask(path, { model: 'm', ...body });
    return JSON.parse(bodies[0] ?? 'null') as Record<string, unknown>;
  };
  const path = '/v1/chat/completions';
  assert.equal((await sent('openai', path, { messages }))['max_tokens'], 200);
  assert.equal((await sent('openai', path, { messages, max_tokens: 50 }))['max_tokens'], 50);
  assert.equal((await sent('openai', path, { messages, max_tokens: 400 }))['max_tokens'], 300);
  const newer = await sent('openai', path, { messages, max_completion_tokens: 400 });
  assert.deepEqual([newer['max_completion_tokens'], newer['max_tokens']], [300, undefined]);
  assert.equal((await sent('openai', path, { messages, model: 'o3-mini' }))['max_completion_tokens'], 200);
  assert.equal((await sent('mistral', path, { messages }))['max_tokens'], 200);
  assert.deepEqual((await sent('ollama', path, { messages }))['options'], { num_predict: 200 });
  assert.deepEqual((await sent('ollama', '/api/chat', { messages, options: { num_predict: -1 } }))['options'], {
    num_predict: 300,
  });
  assert.equal((await sent('ollama', '/v1/embeddings', { input: 'x' }))['options'], undefined);
  assert.equal((await sent('openai', '/v1/completions', { prompt: 'x' }))['max_tokens'], 16);
});

test('what is left is what an answer may take, where the caller does not say how much', async () => {
  const { rig, bodies } = await limited({ rules: [{ every: 'day', tokens: 400 }] });
  await chat(rig);
  const most = (JSON.parse(bodies[0]!) as { max_tokens: number }).max_tokens;
  assert.ok(most > 380 && most < 400, String(most));
  assert.equal((await chat(rig)).status, 200, 'and the next one has what was given back');
});

test('a stream that goes on beyond its quota ends with the typed error of its dialect, and the upstream is told to stop', async () => {
  let stopped = false;
  const endless: Behaviour = (_req, res) => {
    beginSse(res);
    const timer = setInterval(() => {
      res.write(chunk('word '));
    }, 1);
    res.once('close', () => {
      stopped = true;
      clearInterval(timer);
    });
  };
  for (const [path, end] of [
    ['/v1/chat/completions', /data: \{"error":\{.*"code":"ERR_LIMIT_TOKENS"\}\}\n\n$/],
    ['/api/chat', /\n\{"error":"[^"]*","code":"ERR_LIMIT_TOKENS"\}\n$/],
  ] as const) {
    const { rig } = await limited({ every: 'hour', tokens: 100 }, { behaviour: endless });
    const { status, text } = await rig.ask(path, {
      model: 'm',
      messages,
      stream: true,
      ...(path === '/api/chat' ? {} : { max_tokens: 20 }),
    });
    assert.equal(status, 200);
    assert.match(text.slice(-300), end);
    assert.ok(!text.includes('[DONE]'));
    const words = text.match(/word/g)?.length ?? 0;
    assert.ok(words > 20 && words <= 100, `${words} words of a quota of 100`);
    await until(() => stopped);
    const outcome = rig.journalled.findLast((event) => JSON.stringify(event).includes('"phase":"outcome"'));
    assert.match(
      JSON.stringify(outcome),
      /"kind":"cut".*"code":"ERR_LIMIT_TOKENS"|"code":"ERR_LIMIT_TOKENS".*"kind":"cut"/,
    );
    assert.equal((await chat(rig)).status, 429, 'what it took is counted');
  }
});

test('who hangs up gets back what was set aside and not used', async () => {
  const slow: Behaviour = (req, res, body, nth) => {
    if (nth > 1) return answering()(req, res, body, nth);
    beginSse(res);
    // More than is held back until it is known what comes after it.
    for (let word = 0; word < 20; word++) res.write(chunk(`word ${word} `));
  };
  const { rig } = await limited({ every: 'day', tokens: 1_000 }, { behaviour: slow });
  await new Promise<void>((resolve, reject) => {
    const req = request(`${rig.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { ...as(userKey), 'content-type': 'application/json' },
      agent: false,
    });
    req.on('response', (res) => res.once('data', () => req.destroy()));
    req.on('close', resolve);
    req.on('error', () => resolve());
    req.setTimeout(60_000, () => reject(new Error('no answer')));
    req.end(JSON.stringify({ model: 'm', messages, stream: true, max_tokens: 900 }));
  });
  await until(() => JSON.stringify(rig.journalled).includes('"kind":"aborted"'));
  const next = await chat(rig, { max_tokens: 900, stream: false });
  assert.notEqual(next.status, 429, next.text);
});

for (const [how, usage] of [
  ['nothing', undefined],
  ['nought', { prompt_tokens: 0, completion_tokens: 0 }],
] as const)
  test(`an answer of which the provider says that it used ${how} is estimated, and its caller told so`, async () => {
    const call = { id: 'c', type: 'function', function: { name: 'look', arguments: `{"at":"${'x'.repeat(150)}"}` } };
    for (const message of [{ content: 'word '.repeat(30) }, { content: null, tool_calls: [call] }]) {
      const choices = [{ index: 0, message: { role: 'assistant', ...message }, finish_reason: 'stop' }];
      const { rig } = await limited(
        { every: 'day', tokens: 1_000 },
        { behaviour: (_req, res) => json(res, 200, { choices, ...(usage === undefined ? {} : { usage }) }) },
      );
      const first = await chat(rig, { max_tokens: 100 });
      const told = (JSON.parse(first.text) as { usage: { prompt_tokens: number; completion_tokens: number } }).usage;
      assert.ok(told.prompt_tokens > 0 && told.completion_tokens >= 30, first.text);
      const set = 1_000 - Number(header(first, 'remaining-tokens'));
      const second = await chat(rig, { max_tokens: 100 });
      const owed = told.prompt_tokens + told.completion_tokens;
      assert.equal(1_000 - Number(header(second, 'remaining-tokens')), set + owed);
    }
  });

test('an answer that never came costs no tokens', async () => {
  const failing = await limited(
    { every: 'day', tokens: 1_000 },
    { behaviour: (_req, res) => json(res, 400, { error: { message: 'no' } }) },
  );
  assert.deepEqual(await statuses(3, () => chat(failing.rig, { max_tokens: 900 })), [400, 400, 400]);
});

test('a stream without an error ends as ever under a quota that it keeps to', async () => {
  const exact: Behaviour = (_req, res) => {
    beginSse(res);
    for (let nth = 0; nth < 20; nth++) res.write(chunk('word '));
    res.end(lastChunk);
  };
  const prompt = await promptTokens();
  const { rig } = await limited({ every: 'hour', tokens: prompt + 20 }, { behaviour: exact });
  const { text } = await chat(rig, { stream: true, max_tokens: 20 });
  assert.equal(text.match(/word/g)?.length, 20);
  assert.match(text, /\[DONE\]\n\n$/);
});

test('an answer to the chatbot that outgrows its quota ends with what was shown and why', async () => {
  const endless: Behaviour = (_req, res) => {
    beginSse(res);
    const timer = setInterval(() => res.write(chunk('word ')), 1);
    res.once('close', () => clearInterval(timer));
  };
  const { rig } = await limited({ every: 'hour', tokens: 100 }, { behaviour: endless });
  let shown = '';
  let limit: number | undefined;
  const outcome = await rig.gateway.ask(
    {
      caller: { subject: 'tester', role: 'user', credential: 'k', sourceIp: '127.0.0.1' },
      model: 'm',
      messages: [{ role: 'user', content: 'hello' }],
      lang: 'en',
      requestId: 'r',
      signal: new AbortController().signal,
      granted: ({ tokens }) => {
        limit = tokens?.limit;
      },
    },
    (text) => {
      shown += text;
    },
  );
  assert.equal(limit, 100);
  assert.equal(outcome.kind, 'unavailable');
  assert.equal(outcome.kind === 'unavailable' && outcome.error.code, 'ERR_LIMIT_TOKENS');
  assert.equal(outcome.kind === 'unavailable' && outcome.partial, shown);
  assert.ok(shown.length > 50 && shown.length <= 100 * 'word '.length, `${shown.length} characters`);
});
