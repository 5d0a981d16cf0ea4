// Where a call goes by its model's name: patterns, aliases, equals and their weights, and what callers are told of it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../src/platform/base/json.ts';
import type { RouteSettings } from '../src/protect/gateway/settings.ts';
import { type Behaviour, json } from './gateway-rig.ts';

import { failing, modelTo, saidBy, setUp, targets } from './targets-rig.ts';

test('createRoutes() shares the calls of equals by their weights, to the call', async () => {
  const { rig, counts } = await setUp({ a: {}, b: {}, c: {} }, [
    {
      model: 'm',
      targets: [
        { provider: 'a', weight: 5 },
        { provider: 'b', weight: 2 },
        { provider: 'c', weight: 1 },
      ],
    },
  ]);
  for (let i = 0; i < 16; i++) assert.equal((await rig.chat('hi')).status, 200);
  assert.deepEqual(counts(), { a: 10, b: 4, c: 2 });
});

test('createRoutes() lets an equal take over at once, which is nothing unusual, and a later target only then', async () => {
  const down = { does: failing() };
  const { rig, counts } = await setUp(
    { a: down, b: {}, c: {} },
    [
      {
        model: 'm',
        targets: [
          { provider: 'c', priority: 2 },
          { provider: 'a', weight: 1 },
          { provider: 'b', weight: 1 },
        ],
      },
    ],
    {},
    { retries: { max: 2, baseMs: 50_000, maxWaitMs: 60_000 }, breaker: { failures: 100, halfOpenMs: 100 } },
  );
  const start = Date.now();
  for (let i = 0; i < 4; i++) {
    const answer = await rig.chat('hi');
    assert.equal(saidBy(answer), 'b');
    assert.equal(answer.headers['x-rempart-degraded'], undefined);
  }
  assert.ok(Date.now() - start < 45_000, 'nobody waited');
  assert.deepEqual(counts(), { a: 2, b: 4, c: 0 });
});

test('createRoutes() tries all equals again after a pause, and only then goes to the next target, and says so', async () => {
  const at: number[] = [];
  const noting: Behaviour = (_req, res) => {
    at.push(Date.now());
    json(res, 503, {});
  };
  const { rig, counts } = await setUp(
    { a: { does: noting }, b: { does: noting }, c: {} },
    [
      {
        model: 'm',
        targets: [{ provider: 'a', weight: 1 }, { provider: 'b', weight: 1 }, { provider: 'c' }],
      },
    ],
    {},
    { retries: { max: 1, baseMs: 120, maxWaitMs: 400 } },
  );
  const answer = await rig.chat('hi');
  assert.equal(saidBy(answer), 'c');
  assert.equal(answer.headers['x-rempart-degraded'], 'provider');
  assert.deepEqual(counts(), { a: 2, b: 2, c: 1 });
  assert.ok(at[2]! - at[1]! >= 119, `${at[2]! - at[1]!} ms`);
});

test('createRoutes() goes by the exact name first, then by the first pattern that fits, else to the providers in their order', async () => {
  const { rig } = await setUp({ usual: {}, small: {}, large: {}, one: {}, rest: {} }, [
    { model: 'mistral-*', targets: targets('small') },
    { model: 'mistral-large-*', targets: targets('large') },
    { model: 'mistral-large-latest', targets: targets('one') },
  ]);
  for (const [model, wanted] of [
    ['mistral-large-latest', 'one'],
    [' Library/MISTRAL-Large-Latest:latest', 'one'],
    ['mistral-large-2411', 'small'],
    ['mistral-tiny', 'small'],
    ['mistral-tiny/other', 'usual'],
    ['gpt-5', 'usual'],
  ] as const)
    assert.equal(saidBy(await rig.chat('hi', { model })), wanted, model);
});

test('createRoutes() sends what nothing else fits where * leads', async () => {
  const { rig } = await setUp({ usual: {}, rest: {} }, [{ model: '*', targets: targets('rest') }]);
  for (const model of ['m', 'team/m', 'x:1']) assert.equal(saidBy(await rig.chat('hi', { model })), 'rest');
});

const renamed: readonly RouteSettings[] = [
  { model: 'assistant', targets: [{ provider: 'a', model: 'behind-the-name' }] },
  { model: 'helper', aliasOf: 'assistant' },
  { model: 'old-*', aliasOf: 'helper' },
  { model: 'public', aliasOf: 'm-of-a' },
];

test('createRoutes() follows aliases to the model behind them, which no caller sees and the journal knows', async () => {
  const { rig, up } = await setUp({ a: {}, b: {} }, renamed);
  for (const [model, wanted] of [
    ['assistant', 'behind-the-name'],
    ['helper', 'behind-the-name'],
    ['old-name', 'behind-the-name'],
    ['public', 'm-of-a'],
  ] as const)
    for (const stream of [false, true]) {
      const answer = await rig.chat('hi', { model, stream });
      assert.equal(modelTo(up['a']!), wanted);
      assert.match(answer.text, new RegExp(`"model":"${model}"`));
      assert.ok(!`${answer.text}${JSON.stringify(answer.headers)}`.includes(wanted), answer.text);
      const { modelAsked, modelUsed, provider, route } = rig.journalled.at(-1)!['unmapped'] as JsonObject;
      assert.deepEqual([modelAsked, modelUsed, provider], [model, wanted, 'a']);
      assert.equal(route, model === 'public' ? undefined : 'assistant');
    }
});

test('createRoutes() lets scopes decide by the name that is asked for, not by the one behind it', async () => {
  const { rig } = await setUp({ a: {}, b: {} }, renamed, {
    keys: [
      { key: 'key-for-the-assistant', subject: 's', role: 'user', scopes: { models: ['assistant'] } },
      { key: 'key-for-what-is-behind', subject: 's', role: 'user', scopes: { models: ['behind-*', 'm-of-a'] } },
    ],
  });
  const as = (key: string, model: string) =>
    rig.ask(
      '/v1/chat/completions',
      { model, messages: [{ role: 'user', content: 'hi' }] },
      { authorization: `Bearer ${key}` },
    );
  assert.equal((await as('key-for-the-assistant', 'assistant')).status, 200);
  assert.equal((await as('key-for-the-assistant', 'helper')).status, 403);
  assert.equal((await as('key-for-what-is-behind', 'assistant')).status, 403);
  assert.equal((await as('key-for-what-is-behind', 'public')).status, 403);
});

const someModels: Behaviour = (req, res) =>
  json(
    res,
    200,
    req.url === '/api/tags'
      ? { models: [{ name: 'behind-the-name:latest' }, { name: 'm-of-a' }] }
      : { data: [{ id: 'behind-the-name' }, { id: 'm-of-a' }] },
  );

test('createListModels() offers the names of routes to who may use them, and none that only stands behind one', async () => {
  const { rig } = await setUp(
    { a: { models: someModels }, b: { models: someModels, dialect: 'ollama' } },
    [...renamed, { model: 'local', targets: [{ provider: 'b', model: 'Behind-The-Name' }] }],
    { keys: [{ key: 'key-for-few', subject: 's', role: 'user', scopes: { models: ['assistant', 'behind-*'] } }] },
  );
  const few = { authorization: 'Bearer key-for-few' };
  const ids = (text: string) => (JSON.parse(text) as { data: { id: string }[] }).data.map(({ id }) => id).sort();
  const names = (text: string) =>
    (JSON.parse(text) as { models: { name: string }[] }).models.map(({ name }) => name).sort();
  const all = ['assistant', 'helper', 'local', 'm-of-a', 'public'];
  assert.deepEqual(ids((await rig.get('/v1/models')).text), all);
  assert.deepEqual(names((await rig.get('/api/tags')).text), all);
  assert.deepEqual(ids((await rig.get('/v1/models', few)).text), ['assistant']);
  assert.deepEqual(names((await rig.get('/api/tags', few)).text), ['assistant']);
  assert.equal((JSON.parse((await rig.get('/v1/models/helper')).text) as { id: string }).id, 'helper');
  assert.equal((await rig.get('/v1/models/helper', few)).status, 404);
  assert.equal((await rig.get('/v1/models/behind-the-name')).status, 404);
});

test('createListModels() still offers the names of routes when no provider says what it has', async () => {
  const { rig } = await setUp({ a: { models: failing() } }, [{ model: 'assistant', targets: targets('a') }]);
  const { status, text, headers } = await rig.get('/v1/models');
  assert.equal(status, 200);
  assert.match(text, /"id":"assistant"/);
  assert.equal(headers['x-rempart-degraded'], 'cache');
});

const loaded = {
  name: 'behind-the-name:latest',
  size: 7,
  digest: 'a'.repeat(64),
  size_vram: 5,
  context_length: 4_096,
  expires_at: '2026-11-22T12:00:00.5Z',
  details: {
    parent_model: '/root/.ollama/x',
    format: 'gguf',
    family: 'llama',
    families: ['llama'],
    parameter_size: '7.2B',
  },
};
const described = {
  modelfile: 'FROM /root/.ollama/blobs/sha256-1\nSYSTEM be sly',
  template: '{{ .System }} be sly',
  parameters: 'num_ctx 4096\nstop "<|sly|>"',
  details: { ...loaded.details, quantization_level: 'Q4_K_M' },
  model_info: {
    'general.architecture': 'llama',
    'general.name': 'Behind The Name',
    'general.parameter_count': 7_200_000_000,
    'llama.context_length': 32_768,
    'tokenizer.chat_template': 'be sly',
    'other.number': 3,
  },
  capabilities: ['completion', 'tools', 'sly'],
  modified_at: '2026-01-02T03:04:05Z',
};

test('createHandleDetails() knows models by the names of routes and tells of them what is a number or a kind, nothing else', async () => {
  const asAdmin = { authorization: 'Bearer key-of-an-admin' };
  const { rig, up } = await setUp(
    {
      a: {},
      b: {
        dialect: 'ollama',
        does: (_req, res) => json(res, 200, described),
        models: (req, res) =>
          json(res, 200, req.url === '/api/ps' ? { models: [loaded, { ...loaded, name: 'm-of-b' }] } : { models: [] }),
      },
    },
    [
      { model: 'local', targets: [{ provider: 'a' }, { provider: 'b', model: 'Behind-The-Name' }] },
      { model: 'nick', aliasOf: 'local' },
      { model: 'far', targets: targets('a') },
    ],
    { keys: [{ key: 'key-of-an-admin', subject: 'admin', role: 'admin' }] },
  );
  const { models } = JSON.parse((await rig.get('/api/ps', asAdmin)).text) as { models: JsonObject[] };
  const details = { format: 'gguf', family: 'llama', families: ['llama'], parameter_size: '7.2B' };
  const { name: _name, details: _details, ...rest } = loaded;
  assert.deepEqual(models, [
    { ...rest, name: 'local', model: 'local', details },
    { ...rest, name: 'm-of-b', model: 'm-of-b', details },
  ]);
  for (const model of ['local', 'nick']) {
    const shown = JSON.parse((await rig.ask('/api/show', { model }, asAdmin)).text) as JsonObject;
    assert.equal(modelTo(up['b']!), 'behind-the-name');
    assert.deepEqual(shown, {
      license: '',
      modelfile: `FROM ${model}`,
      parameters: 'num_ctx 4096',
      template: '',
      details: { ...details, quantization_level: 'Q4_K_M' },
      model_info: {
        'general.architecture': 'llama',
        'general.parameter_count': 7_200_000_000,
        'llama.context_length': 32_768,
      },
      capabilities: ['completion', 'tools'],
      modified_at: '2026-01-02T03:04:05Z',
    });
  }
  const far = await rig.ask('/api/show', { model: 'far' }, asAdmin);
  assert.equal(far.status, 404);
  assert.match(far.text, /ERR_MODEL_UNKNOWN/);
});
