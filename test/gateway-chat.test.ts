// The gateway's ordinary work: chat in two dialects before providers of three, lists, errors in the caller's shape and language.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Dialect } from '../src/platform/wire/dialect.ts';
import { answering, json, type Rig, startRig, startUpstream, until, userKey, viewerKey } from './gateway-rig.ts';

const cleanUps: (() => Promise<void>)[] = [];
after(async () => {
  for (const close of cleanUps) await close();
});

async function rigBefore(dialect: Dialect, behaviour = answering(), options = {}) {
  const upstream = await startUpstream(behaviour);
  const rig = await startRig([{ name: 'up', dialect, url: upstream.url, key: 'provider-key' }], options);
  cleanUps.push(rig.close, upstream.close);
  return { rig, upstream };
}

const callers: readonly [
  string,
  (rig: Rig, stream: boolean) => ReturnType<Rig['ask']>,
  (text: string, stream: boolean) => string,
][] = [
  ['openai', (rig, stream) => rig.chat('hi', { stream }), readOpenai],
  [
    'ollama',
    (rig, stream) => rig.ask('/api/chat', { model: 'm', messages: [{ role: 'user', content: 'hi' }], stream }),
    readOllama,
  ],
];

function readOpenai(text: string, stream: boolean): string {
  if (!stream) return (JSON.parse(text) as { choices: { message: { content: string } }[] }).choices[0]!.message.content;
  const frames = text.split('\n\n').filter((frame) => frame !== '');
  assert.equal(frames.at(-1), 'data: [DONE]');
  return frames
    .slice(0, -1)
    .map(
      (frame) =>
        (JSON.parse(frame.slice(6)) as { choices: { delta: { content?: string } }[] }).choices[0]?.delta.content ?? '',
    )
    .join('');
}

function readOllama(text: string, stream: boolean): string {
  const lines = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { message: { content: string }; done: boolean });
  assert.equal(lines.at(-1)!.done, true);
  if (!stream) assert.equal(lines.length, 1);
  return lines.map((line) => line.message.content).join('');
}

for (const provider of ['openai', 'mistral', 'ollama'] as const)
  for (const [caller, send, read] of callers)
    for (const stream of [false, true])
      test(`createGateway() answers a caller of ${caller} from a provider of ${provider}, ${stream ? 'streamed' : 'whole'}`, async () => {
        const { rig, upstream } = await rigBefore(provider);
        const answer = await send(rig, stream);
        assert.equal(answer.status, 200, answer.text);
        assert.equal(read(answer.text, stream), 'hello');
        assert.match(String(answer.headers['x-request-id']), /^req_[0-9a-f]{32}$/);
        assert.deepEqual(
          upstream.heads.map((head) => head.headers.authorization),
          ['Bearer provider-key'],
        );
        assert.equal(upstream.heads[0]!.url, provider === 'ollama' ? '/api/chat' : '/v1/chat/completions');
        assert.equal(upstream.heads[0]!.headers.host, new URL(upstream.url).host);
      });

test('createGateway() sends upstream a body rebuilt from what it knows, and no header of the client', async () => {
  const { rig, upstream } = await rigBefore('openai');
  const secretHeaders = {
    cookie: 'a=b',
    'x-forwarded-for': '1.2.3.4',
    connection: 'keep-alive',
    'openai-organization': 'o',
  };
  const body = { model: 'm', messages: [{ role: 'user', content: 'hi', extra: 1 }], temperature: 0.5, _debug: true };
  assert.equal((await rig.ask('/v1/chat/completions', body, secretHeaders)).status, 200);
  assert.deepEqual(JSON.parse(upstream.bodies[0]!), {
    model: 'm',
    messages: [{ role: 'user', content: 'hi' }],
    temperature: 0.5,
    stream: false,
  });
  const sent = Object.keys(upstream.heads[0]!.headers);
  for (const name of ['cookie', 'x-forwarded-for', 'openai-organization']) assert.ok(!sent.includes(name), name);
});

test('createGateway() translates sampling to the provider of another dialect', async () => {
  const { rig, upstream } = await rigBefore('ollama');
  await rig.chat('hi', { max_tokens: 7, seed: 3, stop: 'x', response_format: { type: 'json_object' } });
  assert.deepEqual(JSON.parse(upstream.bodies[0]!), {
    model: 'm',
    messages: [{ role: 'user', content: 'hi' }],
    options: { num_predict: 7, seed: 3, stop: ['x'] },
    format: 'json',
    stream: false,
  });
});

const tools = [
  { type: 'function', function: { name: 'f', parameters: { type: 'object', properties: { A: {}, a: {} } } } },
];

test('createGateway() passes tools and tool calls between callers and providers of one family', async () => {
  const call = { id: 'c1', type: 'function', function: { name: 'f', arguments: '{"a":1}' } };
  const { rig, upstream } = await rigBefore('mistral', (_req, res) =>
    json(res, 200, {
      choices: [
        { index: 0, message: { role: 'assistant', content: '', tool_calls: [call] }, finish_reason: 'tool_calls' },
      ],
    }),
  );
  const answer = await rig.chat('hi', { tools });
  assert.deepEqual((JSON.parse(upstream.bodies[0]!) as { tools: unknown }).tools, tools);
  const choice = (
    JSON.parse(answer.text) as { choices: { message: { tool_calls: unknown[] }; finish_reason: string }[] }
  ).choices[0]!;
  assert.deepEqual(choice.message.tool_calls, [{ index: 0, ...call }]);
  assert.equal(choice.finish_reason, 'tool_calls');
});

test('createGateway() refuses a choice of tools that the provider cannot be told, before anything is sent', async () => {
  const { rig, upstream } = await rigBefore('ollama');
  const answer = await rig.chat('hi', { tools, tool_choice: 'required' });
  assert.equal(answer.status, 400);
  assert.equal((JSON.parse(answer.text) as { error: { code: string } }).error.code, 'ERR_BODY_UNTRANSLATABLE');
  assert.equal(upstream.ledger.length, 0);
});

type Refusal = readonly [
  title: string,
  path: string,
  body: string | Buffer,
  headers: Record<string, string>,
  status: number,
  code: string,
];
const message = '{"role":"user","content":"hi"}';
const openai = '/v1/chat/completions';
const refusals: readonly Refusal[] = [
  ['no JSON', openai, '{"model":', {}, 400, 'ERR_BODY_JSON'],
  ['a duplicate key', openai, `{"model":"a","model":"b","messages":[${message}]}`, {}, 400, 'ERR_BODY_DUPLICATE_KEY'],
  [
    'an escaped duplicate',
    openai,
    `{"model":"a","\\u006dodel":"b","messages":[${message}]}`,
    {},
    400,
    'ERR_BODY_DUPLICATE_KEY',
  ],
  [
    'another case of a key',
    openai,
    `{"model":"a","MODEL":"b","messages":[${message}]}`,
    {},
    400,
    'ERR_BODY_DUPLICATE_KEY',
  ],
  [
    'a key that Go folds',
    '/api/chat',
    `{"model":"a","messages":[${message}],"me\u017F\u017Fages":[]}`,
    {},
    400,
    'ERR_BODY_DUPLICATE_KEY',
  ],
  [
    'a duplicate in a message',
    '/api/chat',
    '{"model":"a","messages":[{"role":"user","role":"system","content":"x"}]}',
    {},
    400,
    'ERR_BODY_DUPLICATE_KEY',
  ],
  ['a missing field', '/api/chat', '{"model":"a"}', {}, 400, 'ERR_BODY_FIELD_INVALID'],
  ['a wrong kind', openai, `{"model":1,"messages":[${message}]}`, {}, 400, 'ERR_BODY_FIELD_INVALID'],
  ['an infinite number', openai, `{"model":"a","messages":[${message}],"temperature":1e999}`, {}, 400, 'ERR_BODY_JSON'],
  ['too much depth', openai, `${'['.repeat(17)}${']'.repeat(17)}`, {}, 400, 'ERR_BODY_DEPTH'],
  ['a byte order mark', openai, `\uFEFF{"model":"a","messages":[${message}]}`, {}, 415, 'ERR_BODY_ENCODING'],
  ['bytes that are not UTF-8', openai, Buffer.from([0x7b, 0xff, 0x7d]), {}, 415, 'ERR_BODY_ENCODING'],
  [
    'a lone surrogate',
    openai,
    '{"model":"a","messages":[{"role":"user","content":"\\ud800"}]}',
    {},
    415,
    'ERR_BODY_ENCODING',
  ],
  ['a content encoding', openai, '{}', { 'content-encoding': 'gzip' }, 415, 'ERR_BODY_ENCODING'],
  ['another charset', openai, '{}', { 'content-type': 'application/json; charset=utf-16' }, 415, 'ERR_BODY_ENCODING'],
  ['a body too large', openai, `"${'x'.repeat(100_001)}"`, {}, 413, 'ERR_BODY_TOO_LARGE'],
  ['no key', openai, '{}', { authorization: '' }, 401, 'ERR_KEY_MISSING'],
  ['a wrong key', '/api/chat', '{}', { authorization: 'Bearer nope' }, 401, 'ERR_KEY_INVALID'],
  [
    'a viewer',
    openai,
    `{"model":"a","messages":[${message}]}`,
    { authorization: `Bearer ${viewerKey}` },
    403,
    'ERR_FORBIDDEN',
  ],
];

for (const [title, path, body, headers, status, code] of refusals)
  test(`createGateway() answers ${status} ${code} to ${title}, and sends nothing`, async () => {
    const { rig, upstream } = await rigBefore('openai');
    const answer = await rig.ask(path, body, headers);
    assert.equal(answer.status, status, answer.text);
    const parsed = JSON.parse(answer.text) as { error: string | { code: string }; code?: string };
    assert.equal(typeof parsed.error === 'string' ? parsed.code : parsed.error.code, code);
    assert.equal(answer.headers['x-should-retry'], 'false');
    assert.ok(answer.headers['x-request-id']);
    assert.equal(upstream.ledger.length, 0);
  });

test('createGateway() refuses unknown fields where the configuration says so', async () => {
  const { rig } = await rigBefore('openai', answering(), { settings: { unknownFields: 'refuse' } });
  const answer = await rig.chat('hi', { colour: 'red' });
  assert.equal(answer.status, 400);
  assert.match(answer.text, /ERR_BODY_FIELD_UNKNOWN/);
});

for (const agent of ['openai', 'mistral-client'])
  test(`createGateway() names the field that is at fault where clients look for it (${agent})`, async () => {
    const { rig } = await rigBefore('openai');
    const paramOf = async (body: object) => {
      const answer = JSON.parse((await rig.ask('/v1/chat/completions', body, { 'user-agent': agent })).text);
      return (answer.error ?? answer).param;
    };
    const messages = [{ role: 'user', content: 'x' }, { content: 'x' }];
    assert.equal(await paramOf({ model: 'm', messages }), 'messages[1].role');
    assert.equal(await paramOf({ model: 'm', messages: messages.slice(0, 1), temperature: 99 }), 'temperature');
    assert.equal(await paramOf([]), null);
  });

test("createGateway() speaks the caller's language and shape in errors", async () => {
  const { rig } = await rigBefore('openai');
  const french = await rig.get('/api/nowhere', { 'accept-language': 'fr-FR,en;q=0.5' });
  assert.equal(french.status, 404);
  assert.match((JSON.parse(french.text) as { error: string }).error, /^Cette adresse/);
  const mistral = await rig.get('/v1/nowhere', { 'user-agent': 'speakeasy-sdk/typescript 2.7.0 @mistralai/mistralai' });
  const body = JSON.parse(mistral.text) as { object: string; message: string; type: string; code: string };
  assert.deepEqual([body.object, body.type, body.code], ['error', 'invalid_request_error', 'ERR_NOT_FOUND']);
  const wrong = await rig.get(openai);
  assert.deepEqual([wrong.status, wrong.headers['allow']], [405, 'POST']);
  assert.match(wrong.text, /ERR_METHOD_NOT_ALLOWED/);
});

test('createGateway() lists models in both shapes, one by its name, and none that is not there', async () => {
  const { rig } = await rigBefore('openai');
  assert.deepEqual(
    (JSON.parse((await rig.get('/v1/models')).text) as { data: { id: string }[] }).data.map((m) => m.id),
    ['m'],
  );
  assert.deepEqual(
    (JSON.parse((await rig.get('/api/tags')).text) as { models: { name: string }[] }).models.map((m) => m.name),
    ['m'],
  );
  assert.equal((JSON.parse((await rig.get('/v1/models/m')).text) as { id: string }).id, 'm');
  assert.equal((JSON.parse((await rig.get('/v1/models/library%2FM:latest')).text) as { id: string }).id, 'm');
  assert.equal((await rig.get('/v1/models/x')).status, 404);
  assert.equal((await rig.get('/api/version')).status, 200);
  assert.equal((await rig.get('/')).status, 200);
});

test('createGateway() refuses what could not be screened', async () => {
  for (const screen of [
    () => ({ kind: 'unscreened', cause: 'x' }) as const,
    () => {
      throw new Error('down');
    },
  ]) {
    const { rig, upstream } = await rigBefore('openai', answering(), { screen });
    const answer = await rig.chat('hi');
    assert.equal(answer.status, 503);
    assert.match(answer.text, /ERR_UNSCREENED/);
    assert.equal(upstream.ledger.length, 0);
  }
});

test('createGateway() journals each request twice, without its prompt, and failed authentications', async () => {
  const { rig } = await rigBefore('openai');
  const answer = await rig.chat('a prompt that nobody may read');
  await rig.ask(openai, '{}', { authorization: 'Bearer wrong-key-of-mine' });
  const [received, outcome, failed] = rig.journalled as { [key: string]: unknown }[];
  assert.equal(rig.journalled.length, 3);
  const id = answer.headers['x-request-id'];
  for (const event of [received, outcome]) {
    assert.equal(event!['class_uid'], 6003);
    assert.equal((event!['metadata'] as { correlation_uid: string }).correlation_uid, id);
    assert.equal((event!['actor'] as { user: { name: string } }).user.name, 'tester');
  }
  const first = received!['unmapped'] as { phase: string; prompt: { hmacSha256: string; length: number } };
  assert.equal(first.phase, 'received');
  assert.match(first.prompt.hmacSha256, /^[0-9a-f]{64}$/);
  assert.equal(first.prompt.length, 29);
  const last = outcome!['unmapped'] as Record<string, unknown>;
  assert.deepEqual(
    [
      last['phase'],
      last['kind'],
      last['provider'],
      last['modelAsked'],
      last['modelUsed'],
      last['promptTokens'],
      last['completionTokens'],
    ],
    ['outcome', 'answered', 'up', 'm', 'm', 3, 2],
  );
  assert.equal(failed!['class_uid'], 3002);
  assert.deepEqual(
    rig.signals.map((signal) => signal.kind),
    ['failed-auth'],
  );
  const all = JSON.stringify(rig.journalled);
  for (const secret of ['nobody may read', 'wrong-key-of-mine', userKey, 'provider-key'])
    assert.ok(!all.includes(secret), secret);
});

test('createGateway() answers nothing when the journal cannot be written, and says so', async () => {
  const journal = {
    append: () => Promise.reject(new Error('full')),
    checkpoint: async () => {},
    close: async () => {},
  };
  const { rig } = await rigBefore('openai', answering(), { journal });
  for (const stream of [false, true]) {
    const answer = await rig.chat('hi', { stream });
    assert.equal(answer.status, 503);
    assert.match(answer.text, /ERR_JOURNAL_UNWRITABLE/);
    assert.ok(!answer.text.includes('hello'));
    assert.equal(answer.headers['retry-after'], '5');
  }
});

test('createGateway() relays nothing before the request is in the journal', async () => {
  let release: () => void = () => {};
  const journal = {
    append: () =>
      new Promise<never>((resolve) => {
        release = () => resolve(undefined as never);
      }),
    checkpoint: async () => {},
    close: async () => {},
  };
  const { rig, upstream } = await rigBefore('openai', answering(), { journal });
  let answered = false;
  const pending = rig.chat('hi', { stream: true }).then((answer) => {
    answered = true;
    return answer;
  });
  // The upstream call overlaps the journal.
  await until(() => upstream.bodies.length === 1);
  await new Promise((resolve) => setTimeout(resolve, 150));
  assert.equal(answered, false);
  release();
  assert.equal(readOpenai((await pending).text, true), 'hello');
});
