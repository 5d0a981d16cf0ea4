// How often a caller may ask, seen from outside: each scope, each window, places, and never one request too many.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registry } from 'prom-client';
import { createSharedMemory } from '../src/platform/shared/memory.ts';
import { createGatewayMetrics } from '../src/protect/gateway/metrics.ts';
import { createLimiter } from '../src/protect/limits/limiter.ts';
import { limitsSchema } from '../src/protect/limits/limits-config.ts';
import { createPlaces } from '../src/protect/limits/places.ts';
import { answering, type Behaviour, completion, json, startRig, startUpstream, until } from './gateway-rig.ts';
import {
  as,
  chat,
  ends,
  header,
  limited,
  messages,
  noon,
  otherKey,
  patient,
  promptTokens,
  secondKey,
  statuses,
} from './limits-rig.ts';

test('limits per user hold over all keys of the user, and for nobody else', async () => {
  const { rig, refused } = await limited({ per: 'user', every: 'hour', requests: 2 });
  assert.equal((await chat(rig)).status, 200);
  assert.equal((await chat(rig, {}, secondKey)).status, 200);
  assert.equal((await chat(rig)).status, 429);
  assert.equal((await chat(rig, {}, otherKey)).status, 200);
  assert.deepEqual(refused, ['user']);
});

test('limits per key, model, route and of everybody count just these apart', async () => {
  const key = await limited({ per: 'key', every: 'hour', requests: 1 });
  assert.deepEqual(
    [...(await statuses(2, () => chat(key.rig))), (await chat(key.rig, {}, secondKey)).status],
    [200, 429, 200],
  );

  const model = await limited({ per: ['user', 'model'], every: 'hour', requests: 1, models: ['a', 'b'] });
  const asked = (name: string) => chat(model.rig, { model: name });
  assert.deepEqual(await statuses(2, () => asked('a')), [200, 429]);
  assert.equal((await asked('A:latest')).status, 429, 'another spelling is no other model');
  assert.equal((await asked('b')).status, 200);
  assert.deepEqual(await statuses(3, () => asked('free')), [200, 200, 200]);

  const route = await limited({ per: 'route', every: 'hour', requests: 1 });
  const native = () => route.rig.ask('/api/chat', { model: 'm', messages, stream: false });
  assert.deepEqual(await statuses(2, () => chat(route.rig)), [200, 429]);
  assert.deepEqual(await statuses(2, native), [200, 429]);

  const all = await limited({ per: [], every: 'hour', requests: 1 });
  assert.deepEqual([(await chat(all.rig)).status, (await chat(all.rig, {}, otherKey)).status], [200, 429]);
  assert.deepEqual(all.refused, ['all']);
});

test('limits per source stop an address before it is asked for a key', async () => {
  const { rig, refused, clock } = await limited({ sources: { requests: 3 } });
  const wrong = () => chat(rig, {}, 'nobody-has-this-key');
  assert.deepEqual(await statuses(4, wrong), [401, 401, 401, 429]);
  const { status, headers, text } = await chat(rig);
  assert.equal(status, 429, 'a good key is no way round it');
  assert.match(text, /ERR_RATE_LIMITED/);
  const seconds = Number(headers['retry-after']);
  assert.ok(seconds >= 1 && seconds <= 72, String(seconds));
  clock.now += seconds * 1_000;
  assert.equal((await chat(rig)).status, 200);
  assert.deepEqual(refused, ['source', 'source']);
});

for (const [every, window, longest] of [
  ['minute', 'rolling', 72],
  ['minute', 'calendar', 60],
  ['hour', 'rolling', 4_320],
  ['hour', 'calendar', 3_600],
  ['day', 'calendar', 43_200],
  ['month', 'calendar', 15.5 * 86_400],
] as const)
  test(`limits of a ${window} ${every} open again after retry-after, and not a second sooner`, async () => {
    const { rig, clock } = await limited({ every, window, requests: 2 });
    assert.deepEqual(await statuses(2, () => chat(rig)), [200, 200]);
    const answer = await chat(rig);
    assert.equal(answer.status, 429);
    const seconds = Number(answer.headers['retry-after']);
    assert.ok(seconds >= 1 && seconds <= longest, String(seconds));
    assert.equal(answer.headers['x-should-retry'], seconds > 60 ? 'false' : undefined);
    clock.now += (seconds - 1) * 1_000;
    assert.equal((await chat(rig)).status, 429);
    clock.now += 1_000;
    assert.equal((await chat(rig)).status, 200);
  });

const calls: readonly [path: string, body: object, shape: RegExp, agent?: string][] = [
  [
    '/v1/chat/completions',
    { messages },
    /^\{"error":\{"message":.*"type":"rate_limit_error".*"code":"ERR_LIMIT_REQUESTS"/,
  ],
  ['/v1/chat/completions', { messages, stream: true }, /"type":"rate_limit_error"/],
  [
    '/v1/chat/completions',
    { messages },
    /^\{"object":"error",.*"type":"rate_limit_error"/,
    'mistral-client-typescript/1',
  ],
  ['/v1/completions', { prompt: 'hello' }, /"type":"rate_limit_error"/],
  ['/v1/fim/completions', { prompt: 'hello', suffix: 'there' }, /^\{"object":"error"/],
  ['/v1/embeddings', { input: 'hello' }, /"type":"rate_limit_error"/],
  ['/api/chat', { messages }, /^\{"error":"/],
  ['/api/chat', { messages, stream: false }, /^\{"error":"/],
  ['/api/generate', { prompt: 'hello' }, /^\{"error":"/],
  ['/api/embed', { input: 'hello' }, /^\{"error":"/],
  ['/api/embeddings', { prompt: 'hello' }, /^\{"error":"/],
];

for (const [path, body, shape, agent = 'test'] of calls)
  test(`a limit that is reached is said at ${path} in its own shape (${JSON.stringify(body).slice(0, 60)}, ${agent})`, async () => {
    const { rig, bodies } = await limited({ every: 'hour', requests: 0 });
    const answer = await rig.ask(path, { model: 'm', ...body }, { 'user-agent': agent });
    assert.equal(answer.status, 429);
    assert.match(answer.text, shape);
    assert.ok(Number(answer.headers['retry-after']) >= 1);
    assert.deepEqual([header(answer, 'limit-requests'), header(answer, 'remaining-requests')], ['0', '0']);
    assert.equal(bodies.length, 0, 'nothing was sent');
  });

test('every answer of a limited route says where its caller stands, streamed, whole or refused', async () => {
  const { rig } = await limited({
    rules: [
      { every: 'hour', requests: 3 },
      { every: 'day', tokens: 10_000 },
    ],
  });
  const whole = await chat(rig, { max_tokens: 100 });
  assert.deepEqual([header(whole, 'limit-requests'), header(whole, 'remaining-requests')], ['3', '2']);
  assert.match(header(whole, 'reset-requests') as string, /^1h\d+m\d+s$/);
  assert.equal(header(whole, 'limit-tokens'), '10000');
  assert.equal(header(whole, 'reset-tokens'), '12h0m0s');
  const streamed = await chat(rig, { stream: true, max_tokens: 100 });
  assert.equal(streamed.status, 200);
  assert.equal(header(streamed, 'remaining-requests'), '1');
  const wrong = await rig.ask('/v1/chat/completions', { model: 'm' });
  assert.equal(wrong.status, 400);
  assert.equal(header(await chat(rig, { max_tokens: 100 }), 'remaining-requests'), '0');
});

test('a refusal says when service resumes, in the language of the user', async () => {
  const { rig, clock } = await limited({ zone: 'Europe/Paris', rules: [{ every: 'day', requests: 1 }] });
  await chat(rig);
  const french = await rig.ask('/v1/chat/completions', { model: 'm', messages }, { 'accept-language': 'fr' });
  assert.match(
    french.text,
    /La limite de demandes est atteinte : 1 par jour.*le 2026-06-16 à 00:00:00 \(Europe\/Paris\)/,
  );
  clock.now = Date.parse('2026-06-15T21:59:30Z');
  const soon = await chat(rig);
  assert.match(soon.text, /in 30 seconds/);
  assert.equal(soon.headers['retry-after'], '30');
});

test('500 requests at once under a limit of 50 let 50 through, of requests and of tokens', async () => {
  const slow: Behaviour = (_req, res) => void setTimeout(() => json(res, 200, completion('done')), 50);
  const { rig, bodies } = await limited({ every: 'hour', requests: 50 }, { behaviour: slow });
  const all = await Promise.all(Array.from({ length: 500 }, () => chat(rig)));
  assert.equal(all.filter(({ status }) => status === 200).length, 50);
  assert.equal(all.filter(({ status }) => status === 429).length, 450);
  assert.equal(bodies.length, 50);

  // 5 tokens for each prompt and its frame, 95 for the answer: 100 set aside until the answer is there.
  const prompt = await promptTokens();
  const tokens = await limited({ every: 'hour', tokens: 5_000 }, { behaviour: slow });
  const more = { max_tokens: 100 - prompt };
  const answers = await Promise.all(Array.from({ length: 200 }, () => chat(tokens.rig, more)));
  const served = answers.filter(({ status }) => status === 200).length;
  assert.equal(answers.length - served, answers.filter(({ status }) => status === 429).length);
  assert.ok(served >= 50, 'what was not used is used by others');
  assert.ok(served * 5 <= 5_000);
});

test('a caller is counted with its session’s key, and one who has no scope for it is not counted at all', async () => {
  const { rig } = await limited({ every: 'hour', requests: 1 });
  const viewer = await chat(rig, {}, 'another-key-for-a-viewer');
  assert.equal(viewer.status, 403);
  assert.equal(header(viewer, 'limit-requests'), undefined);
});

test('calls beyond the places wait, users before a batch; who finds none or has too many is told when to come again', async () => {
  const held: (() => void)[] = [];
  const upstream = await startUpstream((_req, res) => void held.push(() => json(res, 200, completion('done'))));
  const refused: string[] = [];
  const { concurrency } = limitsSchema.parse({ concurrency: { total: 1, perKey: 3, waiting: 2, waitMs: 5_000 } });
  const places = createPlaces(concurrency, (scope) => refused.push(scope));
  const limiter = createLimiter(
    { now: () => noon, memory: createSharedMemory() },
    limitsSchema.parse({ rules: [{ every: 'hour', requests: 10 }] }),
  );
  const rig = await startRig([{ name: 'up', dialect: 'openai', url: upstream.url }], {
    limiter,
    places,
    settings: patient,
    keys: [{ key: otherKey, subject: 'other', role: 'user' }],
  });
  ends.push(rig.close, upstream.close, async () => places.close());
  const done: string[] = [];
  const call = async (name: string, headers = {}) => {
    const answer = await rig.ask('/v1/chat/completions', { model: name, messages }, headers);
    if (answer.status === 200) done.push(name);
    return answer;
  };
  const all = [call('first')];
  await until(() => held.length === 1);
  all.push(call('batch', { 'x-rempart-urgency': 'batch' }));
  await until(() => places.state().waiting === 1);
  all.push(call('user'));
  await until(() => places.state().waiting === 2);

  const tooMany = await call('fourth');
  assert.equal(tooMany.status, 429);
  assert.match(tooMany.text, /ERR_LIMIT_AT_ONCE/);
  const full = await call('other', as(otherKey));
  assert.equal(full.status, 503);
  assert.match(full.text, /ERR_OVERLOADED/);
  assert.equal(full.headers['retry-after'], '2');
  assert.equal(full.headers['x-should-retry'], undefined);
  assert.deepEqual(refused, ['at-once', 'overload']);

  for (let nth = 0; nth < 3; nth++) {
    await until(() => held.length > nth);
    held[nth]?.();
  }
  await Promise.all(all);
  assert.deepEqual(done, ['first', 'user', 'batch']);
  assert.deepEqual([places.state().running, places.state().waiting], [0, 0]);
  const next = call('next', as(otherKey));
  await until(() => held.length === 4);
  held[3]?.();
  assert.equal(header(await next, 'remaining-requests'), '9', 'who found no place was not counted');
});

test('a provider’s quota that runs low is told, then kept for those who cannot wait, over all providers of its workspace', async () => {
  let left = 100;
  const counting: Behaviour = (_req, res) =>
    json(res, 200, completion('done'), {
      'x-ratelimit-limit-requests': '100',
      'x-ratelimit-remaining-requests': String(left),
      'x-ratelimit-reset-requests': '40s',
    });
  const upstream = await startUpstream(counting);
  const workspace = 'acme';
  const providers = ['one', 'two'].map((name) => ({ name, dialect: 'openai' as const, url: upstream.url, workspace }));
  const registry = new Registry();
  const metrics = createGatewayMetrics(registry);
  const rig = await startRig(providers, { foresees: true, settings: patient, metrics });
  ends.push(rig.close, upstream.close);
  const batch = { 'x-rempart-urgency': 'batch' };
  const ask = (headers = {}) => rig.ask('/v1/chat/completions', { model: 'm', messages }, headers);
  assert.equal((await ask()).headers['x-rempart-degraded'], undefined);
  left = 15;
  assert.equal((await ask()).headers['x-rempart-degraded'], 'warning');
  assert.equal((await ask(batch)).status, 200);
  left = 8;
  assert.equal((await ask()).headers['x-rempart-degraded'], 'rationed');
  const sent = upstream.bodies.length;
  const waits = await ask(batch);
  assert.equal(waits.status, 429);
  assert.equal(waits.headers['x-rempart-degraded'], 'rationed');
  const seconds = Number(waits.headers['retry-after']);
  assert.ok(seconds > 30 && seconds <= 40, String(seconds));
  assert.equal(upstream.bodies.length, sent, 'the other provider of the workspace has the same limit');
  assert.equal((await ask()).status, 200);
  assert.ok(rig.signals.some(({ kind }) => kind === 'quota-warning'));
  await until(() => JSON.stringify(rig.journalled).includes('"degraded":"rationed"'));
  // Two with little left; of the three with next to nothing one was refused.
  const counted = await registry.metrics();
  assert.match(counted, /^rempart_degraded_responses_total\{mode="warning"\} 2$/m);
  assert.match(counted, /^rempart_degraded_responses_total\{mode="rationed"\} 3$/m);
});

test('a request that could not be journalled counts for nothing', async () => {
  const upstream = await startUpstream(answering());
  let isAway = true;
  const limiter = createLimiter(
    { now: () => noon, memory: createSharedMemory() },
    limitsSchema.parse({ rules: [{ every: 'hour', requests: 2, tokens: 1_000 }] }),
  );
  const journal = {
    append: () => (isAway ? Promise.reject(new Error('away')) : Promise.resolve({ stream: 'test', seq: 1, hash: '' })),
    checkpoint: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
  const rig = await startRig([{ name: 'up', dialect: 'openai', url: upstream.url }], {
    limiter,
    journal,
    settings: patient,
  });
  ends.push(rig.close, upstream.close);
  for (let nth = 0; nth < 5; nth++) assert.match((await chat(rig, { max_tokens: 400 })).text, /ERR_JOURNAL_UNWRITABLE/);
  isAway = false;
  assert.equal(header(await chat(rig, { max_tokens: 400 }), 'remaining-requests'), '1');
});
