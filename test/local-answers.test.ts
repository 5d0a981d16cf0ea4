// What callers get when nobody can answer: an earlier answer that is said to be one, or plain words; never somebody else's, never unguarded.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultScreening, type GatewaySettings } from '../src/protect/gateway/settings.ts';
import { type AnswerCache, createAnswerCache } from '../src/protect/resilience/answer-cache.ts';
import type { InsteadSettings } from '../src/protect/resilience/instead.ts';
import { type Answer, answering, json, type Rig, startRig, startUpstream, userKey } from './gateway-rig.ts';

const otherKey = 'a-key-of-another-user';
const local: InsteadSettings = { static: 'error', contact: 'Camille, room 12' };

interface Scene {
  rig: Rig;
  cache: AnswerCache;
  down(): void;
}

async function scene(
  t: { after(end: () => Promise<void>): void },
  given: { says?: string; cache?: AnswerCache; settings?: Partial<GatewaySettings>; isDown?: boolean } = {},
): Promise<Scene> {
  let isDown = given.isDown ?? false;
  const answer = answering(given.says ?? 'at noon');
  const upstream = await startUpstream((req, res, body, nth) => {
    if (isDown) json(res, 503, { error: { message: 'no' } });
    else if (req.url?.endsWith('/embeddings'))
      json(res, 200, { data: [{ index: 0, embedding: [0.5] }], usage: { prompt_tokens: 1, total_tokens: 1 } });
    else answer(req, res, body, nth);
  });
  const cache = given.cache ?? createAnswerCache(Date.now, { scope: 'subject', ttlMs: 60_000, maxBytes: 1_000_000 });
  const rig = await startRig([{ name: 'up', dialect: 'openai', url: upstream.url }], {
    cache,
    keys: [{ key: otherKey, subject: 'other', role: 'user' }],
    settings: { local, retries: { max: 0, baseMs: 1, maxWaitMs: 1 }, ...given.settings },
  });
  t.after(rig.close);
  t.after(upstream.close);
  return {
    rig,
    cache,
    down() {
      isDown = true;
    },
  };
}

const content = ({ text }: Answer) =>
  (JSON.parse(text) as { choices: { message: { content: string } }[] }).choices[0]?.message.content;
const errorOf = ({ text }: Answer) => (JSON.parse(text) as { error: { code: string; message: string } }).error;
const streamed = ({ text }: Answer) =>
  [...text.matchAll(/^data: (\{.*\})$/gm)]
    .map(([, frame = '{}']) => (JSON.parse(frame) as { choices: { delta: { content?: string } }[] }).choices)
    .flatMap((choices) => choices.map(({ delta }) => delta.content ?? ''))
    .join('');

test('an earlier answer to the same words is given again, streamed or not, and said to be one', async (t) => {
  const { rig, down } = await scene(t);
  assert.equal((await rig.chat('when do we eat?')).headers['x-rempart-degraded'], undefined);
  down();
  const again = await rig.chat('when do we eat?');
  assert.deepEqual([again.status, content(again), again.headers['x-rempart-degraded']], [200, 'at noon', 'cache']);
  assert.match(again.text, /"total_tokens":0/, 'nothing was used for it');
  const stream = await rig.chat('when do we eat?', { stream: true });
  assert.deepEqual([stream.status, streamed(stream), stream.headers['x-rempart-degraded']], [200, 'at noon', 'cache']);
  assert.match(stream.text, /data: \[DONE\]\s*$/);
  const outcomes = rig.journalled.map((event) => JSON.stringify(event)).filter((line) => line.includes('"outcome"'));
  assert.equal(outcomes.filter((line) => /"degraded":"cache"/.test(line) && /"kind":"answered"/.test(line)).length, 2);
});

test('a streamed answer is kept as well as a whole one, and one in another dialect', async (t) => {
  const { rig, down } = await scene(t);
  assert.equal(streamed(await rig.chat('streamed first', { stream: true })), 'at noon');
  const ask = () => rig.ask('/api/chat', { model: 'm', messages: [{ role: 'user', content: 'x' }], stream: false });
  assert.match((await ask()).text, /at noon/);
  down();
  assert.equal(content(await rig.chat('streamed first')), 'at noon');
  const ollama = await ask();
  assert.deepEqual([ollama.status, ollama.headers['x-rempart-degraded']], [200, 'cache']);
  assert.match(ollama.text, /"content":"at noon"/);
});

test('nobody is given what another was answered, nor an answer to other words', async (t) => {
  const { rig, down } = await scene(t);
  await rig.chat('what is my salary?');
  down();
  const body = { model: 'm', messages: [{ role: 'user', content: 'what is my salary?' }] };
  const other = await rig.ask('/v1/chat/completions', body, { authorization: `Bearer ${otherKey}` });
  assert.equal(other.status, 503);
  assert.ok(!other.text.includes('at noon'));
  assert.equal((await rig.chat('What is my salary?')).status, 503);
  assert.equal((await rig.chat('what is my salary?', { temperature: 1 })).status, 503);
  assert.equal((await rig.ask('/v1/chat/completions', body, { authorization: `Bearer ${userKey}` })).status, 200);
});

test('an answer in which something was masked is not kept', async (t) => {
  const { rig, cache, down } = await scene(t, { says: 'the key is AKIAQ3EGRSTUV7WXYZ2A, keep it' });
  const first = content(await rig.chat('the key?'));
  assert.ok(first !== undefined && !first.includes('AKIAQ3EGRSTUV7WXYZ2A'), first);
  assert.equal(cache.state().answers, 0);
  down();
  assert.equal((await rig.chat('the key?')).status, 503);
});

test('a kept answer is screened again by the rules that hold now', async (t) => {
  const policy = (secret: 'pass' | 'mask' | 'block') => ({
    ...defaultScreening,
    policy: { ...defaultScreening.policy, answers: { ...defaultScreening.policy.answers, secret } },
  });
  const says = 'the key is AKIAQ3EGRSTUV7WXYZ2A, keep it';
  const { rig, cache } = await scene(t, { says, settings: { screening: policy('pass') } });
  assert.equal(content(await rig.chat('the key?')), says);
  assert.equal(cache.state().answers, 1);
  const masking = await scene(t, { cache, isDown: true, settings: { screening: policy('mask') } });
  const masked = await masking.rig.chat('the key?');
  assert.deepEqual([masked.status, masked.headers['x-rempart-degraded']], [200, 'cache']);
  assert.ok(!masked.text.includes('AKIAQ3EGRSTUV7WXYZ2A'));
  const blocking = await scene(t, { cache, isDown: true, settings: { screening: policy('block') } });
  const blocked = await blocking.rig.chat('the key?');
  assert.equal(blocked.status, 503);
  assert.ok(!blocked.text.includes('AKIAQ3EGRSTUV7WXYZ2A'));
});

test('an error says what happens, when it is worth another try and whom to ask, in every dialect', async (t) => {
  const { rig } = await scene(t, { isDown: true });
  const error = await rig.chat('x');
  assert.deepEqual([error.status, errorOf(error).code], [503, 'ERR_PROVIDER_UNAVAILABLE']);
  assert.match(errorOf(error).message, /If it goes on, contact Camille, room 12\.$/);
  assert.equal(error.headers['x-rempart-degraded'], 'local');
  assert.ok(Number(error.headers['retry-after']) >= 1);
  const french = await rig.ask(
    '/api/chat',
    { model: 'm', messages: [{ role: 'user', content: 'x' }] },
    { 'accept-language': 'fr' },
  );
  assert.match((JSON.parse(french.text) as { error: string }).error, /Si cela persiste, contactez Camille, room 12\./);
});

test('the same words come as an ordinary answer where the configuration wants it, but not to a program that cannot read them', async (t) => {
  const { rig } = await scene(t, { isDown: true, settings: { local: { ...local, static: 'answer' } } });
  const plain = await rig.chat('x');
  assert.deepEqual([plain.status, plain.headers['x-rempart-degraded']], [200, 'local']);
  assert.match(content(plain) ?? '', /unavailable for now.*automatic message.*ask again in.*Camille, room 12/);
  assert.ok(Number(plain.headers['retry-after']) >= 1);
  const stream = await rig.chat('x', { stream: true });
  assert.match(streamed(stream), /unavailable for now/);
  assert.equal((await rig.chat('x', { response_format: { type: 'json_object' } })).status, 503);
  assert.equal((await rig.ask('/v1/embeddings', { model: 'm', input: 'x' })).status, 503);
});

test('numbers are given again as they were', async (t) => {
  const { rig, down } = await scene(t);
  const embed = () => rig.ask('/v1/embeddings', { model: 'm', input: 'x' });
  assert.equal((await embed()).status, 200);
  down();
  const again = await embed();
  assert.deepEqual([again.status, again.headers['x-rempart-degraded']], [200, 'cache']);
  assert.match(again.text, /0\.5/);
});

test('what is wrong with the request itself is told as it is', async (t) => {
  const upstream = await startUpstream((_, res) =>
    json(res, 404, { error: { message: 'no', code: 'model_not_found' } }),
  );
  const cache = createAnswerCache(Date.now, { scope: 'subject', ttlMs: 60_000, maxBytes: 1_000_000 });
  const rig = await startRig([{ name: 'up', dialect: 'openai', url: upstream.url }], { cache, settings: { local } });
  t.after(rig.close);
  t.after(upstream.close);
  const unknown = await rig.chat('x');
  assert.deepEqual([unknown.status, unknown.headers['x-rempart-degraded']], [404, undefined]);
  assert.ok(!unknown.text.includes('Camille'));
});
