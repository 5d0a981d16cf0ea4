// Which addresses exist, for whom, and what of a model server never goes out or in.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { type Behaviour, json, startRig, startUpstream, userKey } from './gateway-rig.ts';

const behaviour: Behaviour = (req, res, body) => {
  const { model } = JSON.parse(body) as { model: string };
  if (req.url === '/api/generate')
    json(res, 200, { model, response: 'generated', done: true, done_reason: 'stop', context: [1, 2] });
  else if (req.url === '/api/embed') json(res, 200, { model, embeddings: [[0.5, 1]], prompt_eval_count: 2 });
  else json(res, 200, { model, message: { role: 'assistant', content: 'said' }, done: true, done_reason: 'stop' });
};
const upstream = await startUpstream(behaviour, (_req, res) =>
  json(res, 200, {
    models: [{ name: 'm' }, { name: 'far', remote_host: 'https://far.example' }, { name: 'big:cloud' }],
  }),
);
const rig = await startRig([{ name: 'up', dialect: 'ollama', url: upstream.url, key: 'k' }]);
after(async () => {
  await rig.close();
  await upstream.close();
});

const dangerous = ['pull', 'push', 'create', 'copy', 'delete', 'blobs/sha256:00', 'me', 'signout', 'status'];
for (const path of [
  ...dangerous.map((name) => `/api/${name}`),
  '/v1/responses',
  '/v1/messages',
  '//api/pull',
  '/API/Pull/',
])
  test(`${path} is refused, journalled and told of`, async () => {
    const before = rig.signals.length;
    const { status, text } = await rig.ask(path, { model: 'm' });
    assert.equal(status, 403, text);
    assert.match(text, /ERR_ROUTE_REFUSED/);
    assert.equal(rig.signals[before]?.kind, 'dangerous-route');
    assert.match(JSON.stringify(rig.journalled.slice(-2)), /ERR_ROUTE_REFUSED/);
  });

test('an unknown address is not found, a known one takes its own verbs only, and nothing dangerous is told without a key', async () => {
  assert.equal((await rig.get('/api/other')).status, 404);
  assert.equal((await rig.get('/api/generate')).status, 405);
  assert.equal((await rig.ask('/api/pull', {}, { authorization: 'Bearer wrong' })).status, 401);
  assert.equal((await rig.get('/constructor')).status, 404);
});

test('/api/ps and /api/show are for administrators', async () => {
  assert.equal((await rig.get('/api/ps', { authorization: `Bearer ${userKey}` })).status, 403);
  assert.equal((await rig.ask('/api/show', { model: 'm' })).status, 403);
});

for (const model of ['far', 'FAR:latest', 'library/far', 'big:cloud', 'big:12b-cloud', ' m-CLOUD '])
  test(`${model} is refused before anything is sent, since the server would send it on`, async () => {
    const before = upstream.bodies.length;
    for (const [path, body] of [
      ['/api/chat', { model, messages: [{ role: 'user', content: 'hi' }] }],
      ['/api/generate', { model, prompt: 'hi' }],
      ['/v1/embeddings', { model, input: 'hi' }],
    ] as const) {
      const { status, text } = await rig.ask(path, body);
      assert.equal(status, 403, text);
      assert.match(text, /ERR_MODEL_REMOTE/);
    }
    assert.equal(upstream.bodies.length, before);
  });

test('lists leave out what is only sent on', async () => {
  const { text } = await rig.get('/api/tags');
  assert.deepEqual(
    (JSON.parse(text) as { models: { name: string }[] }).models.map(({ name }) => name),
    ['m'],
  );
});

test('/api/generate passes on no field that goes round the guards, in one spelling of the name', async () => {
  const { status, text } = await rig.ask('/api/generate', {
    model: ' Library/M:latest ',
    prompt: 'hi',
    system: 'be kind',
    raw: true,
    template: '{{ .Prompt }}',
    context: [1, 2, 3],
    _debug_render_only: true,
    keep_alive: -1,
    options: { num_ctx: 1_000_000, num_predict: -1, seed: 4 },
    stream: false,
  });
  assert.equal(status, 200, text);
  assert.deepEqual(JSON.parse(upstream.bodies.at(-1)!), {
    model: 'm',
    prompt: 'hi',
    system: 'be kind',
    options: { num_predict: 32_768, seed: 4 },
    stream: false,
  });
  assert.ok(!text.includes('context'));
});

test('Ollama is told how long an answer may be at most where the caller says nothing of it, in any dialect', async () => {
  const messages = [{ role: 'user', content: 'hi' }];
  for (const [path, body] of [
    ['/api/generate', { prompt: 'hi' }],
    ['/api/chat', { messages }],
    ['/api/chat', { messages, options: {} }],
    ['/api/chat', { messages, options: { num_predict: -2 } }],
    ['/v1/chat/completions', { messages }],
    ['/v1/completions', { prompt: 'hi' }],
  ] as const) {
    const { status, text } = await rig.ask(path, { model: 'm', ...body, stream: false });
    assert.equal(status, 200, text);
    assert.deepEqual(JSON.parse(upstream.bodies.at(-1)!).options, { num_predict: 32_768 }, path);
  }
  await rig.ask('/api/chat', { model: 'm', messages, options: { num_predict: 5 }, stream: false });
  assert.deepEqual(JSON.parse(upstream.bodies.at(-1)!).options, { num_predict: 5 });
});

test('completions, fill-in-the-middle and embeddings of OpenAI and Mistral are answered by Ollama', async () => {
  const completion = JSON.parse((await rig.ask('/v1/completions', { model: 'm', prompt: 'a' })).text);
  assert.equal(completion.choices[0].text, 'generated');
  const fill = JSON.parse((await rig.ask('/v1/fim/completions', { model: 'm', prompt: 'a', suffix: 'b' })).text);
  assert.equal(fill.choices[0].message.content, 'generated');
  assert.equal(JSON.parse(upstream.bodies.at(-1)!).suffix, 'b');
  const packed = await rig.ask('/v1/embeddings', { model: 'm', input: 'a', encoding_format: 'base64' });
  assert.equal(
    JSON.parse(packed.text).data[0].embedding,
    Buffer.from(new Float32Array([0.5, 1]).buffer).toString('base64'),
  );
  assert.deepEqual(JSON.parse((await rig.ask('/api/embeddings', { model: 'm', prompt: 'a' })).text), {
    embedding: [0.5, 1],
  });
  assert.equal((await rig.ask('/v1/completions', { model: 'm', prompt: [1, 2, 3] })).status, 400);
});
