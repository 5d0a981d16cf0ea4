// Who answers when the target in turn cannot: equals, later targets, other keys, and when nobody is asked any more.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { JsonObject } from '../src/platform/base/json.ts';
import { freePort } from '../src/platform/base/test-port.ts';
import type { ModelGuard } from '../src/protect/gateway/verified-models.ts';
import {
  answering,
  type Behaviour,
  beginSse,
  chunk,
  completion,
  json,
  lastChunk,
  startRig,
  until,
  userKey,
} from './gateway-rig.ts';
import { cleanUps, codeOf, failing, saidBy, setUp, targets } from './targets-rig.ts';

test('forward() changes to nobody after the first word, among equals and later targets alike', async () => {
  const dying: Behaviour = (_req, res) => {
    beginSse(res);
    res.write(chunk('part of an answer '));
    setTimeout(() => res.destroy(), 20);
  };
  const { rig, counts } = await setUp({ a: { does: dying }, b: { does: dying }, c: {} }, [
    { model: 'm', targets: [{ provider: 'a', weight: 1 }, { provider: 'b', weight: 1 }, { provider: 'c' }] },
  ]);
  const { text } = await rig.chat('hi', { stream: true });
  assert.match(text, /ERR_STREAM_CUT/);
  const { a = 0, b = 0, c } = counts();
  assert.deepEqual([a + b, c], [1, 0]);
});

test('forward() changes as long as no word was said, even if a stream had begun', async () => {
  const begun: Behaviour = (_req, res) => {
    beginSse(res);
    res.write('data: {"model":"x","choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}\n\n');
    setTimeout(() => res.destroy(), 20);
  };
  const { rig, counts } = await setUp(
    { a: { does: begun }, b: {} },
    [{ model: 'm', targets: targets('a', 'b') }],
    {},
    { retries: { max: 0, baseMs: 1, maxWaitMs: 1 } },
  );
  const answer = await rig.chat('hi', { stream: true });
  assert.match(answer.text, /\[DONE\]/);
  assert.equal(answer.headers['x-rempart-degraded'], 'provider');
  assert.deepEqual(counts(), { a: 1, b: 1 });
});

test('forward() sends one request a dozen times at most, however many targets stumble over it', async () => {
  const names = Array.from({ length: 8 }, (_, index) => `p${index}`);
  const { rig, counts } = await setUp(
    Object.fromEntries(names.map((name) => [name, { does: failing(500) }])),
    [{ model: 'm', targets: names.map((provider) => ({ provider, weight: 1 })) }],
    {},
    { retries: { max: 5, baseMs: 1, maxWaitMs: 50 } },
  );
  assert.equal((await rig.chat('hi')).status, 503);
  assert.equal(
    Object.values(counts()).reduce((sum, count) => sum + count, 0),
    12,
  );
});

test('forward() sends what one provider finds wrong to no other', async () => {
  const { rig, counts } = await setUp({ a: { does: failing(400) }, b: {} }, [
    { model: 'm', targets: targets('a', 'b') },
  ]);
  assert.equal(codeOf(await rig.chat('hi')), 'ERR_PROVIDER_REQUEST');
  assert.deepEqual(counts(), { a: 1, b: 0 });
});

for (const [what, error] of [
  ["OpenAI's code", { error: { code: 'context_length_exceeded', message: 'too long' } }],
  [
    "Mistral's words",
    { object: 'error', message: 'Prompt contains 99 tokens, too large for model with 50 maximum context length' },
  ],
  ["Ollama's words", { error: '"small" does not support tools' }],
] as const)
  test(`forward() goes to the next target when a model cannot take what another may: ${what}`, async () => {
    const unable: Behaviour = (_req, res) => json(res, 400, error);
    const { rig, counts } = await setUp({ a: { does: unable }, b: {} }, [{ model: 'm', targets: targets('a', 'b') }]);
    assert.equal(saidBy(await rig.chat('hi')), 'b');
    assert.deepEqual(counts(), { a: 1, b: 1 });
    const alone = await setUp({ a: { does: unable } }, []);
    assert.equal(codeOf(await alone.rig.chat('hi')), 'ERR_PROVIDER_REQUEST');
  });

test('forward() waits as long as a provider asks, asks others of its account no sooner, and others at once', async () => {
  const slow = failing(429, { 'retry-after': '30' });
  const { rig, counts } = await setUp(
    { a: { does: slow, workspace: 'acme' }, b: { workspace: 'acme' }, c: {} },
    [
      { model: 'm', targets: targets('a', 'b') },
      { model: 'n', targets: targets('a', 'b', 'c') },
    ],
    {},
    // A try is due long before the half minute has passed; but no request waits for it, nor goes to another of the account.
    { breaker: { failures: 5, halfOpenMs: 1_000 } },
  );
  for (const text of ['hi', 'at once again']) {
    const { status, headers } = await rig.chat(text);
    assert.equal(status, 429);
    assert.ok(Number(headers['retry-after']) > 25, headers['retry-after']);
  }
  assert.deepEqual(counts(), { a: 1, b: 0, c: 0 });
  assert.equal(saidBy(await rig.chat('hi', { model: 'n' })), 'c');
  assert.deepEqual(counts(), { a: 1, b: 0, c: 1 });
});

test('forward() does not ask again where a quota is used up, nor with another key of that account', async () => {
  const spent: Behaviour = (_req, res) => json(res, 429, { error: { code: 'insufficient_quota' } });
  const { rig, counts } = await setUp(
    {
      a: { does: spent, keys: [{ key: 'second' }, { key: 'third' }], spareKeys: ['spare'], workspace: 'acme' },
      b: { workspace: 'acme' },
      c: {},
    },
    [
      { model: 'm', targets: targets('a', 'b') },
      { model: 'n', targets: targets('a', 'b', 'c') },
    ],
    {},
    { breaker: { failures: 5, halfOpenMs: 60_000 } },
  );
  const answer = await rig.chat('hi');
  assert.equal(codeOf(answer), 'ERR_QUOTA_EXHAUSTED');
  assert.equal(answer.headers['x-should-retry'], 'false');
  assert.equal(saidBy(await rig.chat('hi', { model: 'n' })), 'c');
  assert.deepEqual(counts(), { a: 1, b: 0, c: 1 });
});

test('createQuota() behind the gateway: a quota that stays used up is asked ever more seldom, and callers are told to wait a minute or more', async () => {
  const spent: Behaviour = (_req, res) => json(res, 429, { error: { code: 'insufficient_quota' } });
  const { rig, counts } = await setUp(
    { a: { does: spent } },
    [{ model: 'm', targets: targets('a') }],
    {},
    { breaker: { failures: 5, halfOpenMs: 40 } },
  );
  const waits: number[] = [];
  for (const until = Date.now() + 1_000; Date.now() < until; await pause(10))
    waits.push(Number((await rig.chat('hi')).headers['retry-after']));
  const { a = 0 } = counts();
  // At 0, 40, 120, 280 and 600 ms.
  assert.ok(a >= 3 && a <= 5, `${a} calls`);
  assert.ok(Math.min(...waits) >= 60, `told ${Math.min(...waits)} s`);
});

test('createProviderHealth() keeps others waiting as long as a 503 asks for, and then serves', async () => {
  const at: number[] = [];
  const { rig } = await setUp(
    {
      a: {
        does: (req, res, body, nth) => {
          at.push(Date.now());
          if (nth === 1) json(res, 503, {}, { 'retry-after-ms': '250' });
          else answering()(req, res, body, nth);
        },
      },
    },
    [{ model: 'm', targets: targets('a') }],
    {},
    { breaker: { failures: 5, halfOpenMs: 5_000 }, retries: { max: 2, baseMs: 5, maxWaitMs: 400 } },
  );
  const first = rig.chat('one');
  while (at.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  await new Promise((resolve) => setTimeout(resolve, 40));
  const both = await Promise.all([first, rig.chat('two')]);
  assert.deepEqual(
    both.map(({ status }) => status),
    [200, 200],
  );
  assert.ok(at[1]! - at[0]! >= 245, `${at[1]! - at[0]!} ms`);
});

test('createProviderHealth() lets others through while the first answer after a pause is still being said', async () => {
  let isDown = true;
  let endLong = () => {};
  const { rig, up } = await setUp(
    {
      a: {
        does: (req, res, body, nth) => {
          if (isDown) json(res, 500, {});
          else if (body.includes('long')) {
            beginSse(res);
            res.write(chunk('it begins '));
            endLong = () => res.end(lastChunk);
          } else answering()(req, res, body, nth);
        },
        models: failing(500),
      },
    },
    [],
    {},
    {
      retries: { max: 0, baseMs: 1, maxWaitMs: 1 },
      breaker: { failures: 2, halfOpenMs: 150 },
    },
  );
  for (let i = 0; i < 2; i++) assert.equal((await rig.chat('hi')).status, 503);
  isDown = false;
  await new Promise((resolve) => setTimeout(resolve, 170));
  let isOver = false;
  const long = rig.chat('long', { stream: true }).finally(() => {
    isOver = true;
  });
  await until(() => up['a']!.bodies.length === 3);
  await until(async () => (await rig.chat('hi')).status === 200);
  assert.equal(isOver, false, 'it was still being said');
  endLong();
  assert.match((await long).text, /\[DONE\]/);
});

test('createServing() shares calls between the keys that serve, and takes a spare one when all of those are refused', async () => {
  const refusedKeys = new Set<string>();
  const { rig, up } = await setUp(
    {
      a: {
        key: 'one',
        keys: [{ key: 'two', weight: 2 }],
        spareKeys: ['spare'],
        does: (req, res, body, nth) =>
          refusedKeys.has(req.headers.authorization!) ? json(res, 401, {}) : answering()(req, res, body, nth),
      },
    },
    [],
  );
  const uses = (key: string) => up['a']!.ledger.filter((used) => used === `Bearer ${key}`).length;
  for (let i = 0; i < 9; i++) assert.equal((await rig.chat('hi')).status, 200);
  assert.deepEqual([uses('one'), uses('two'), uses('spare')], [3, 6, 0]);
  refusedKeys.add('Bearer two');
  for (let i = 0; i < 4; i++) assert.equal((await rig.chat('hi')).status, 200);
  assert.deepEqual([uses('one'), uses('two'), uses('spare')], [7, 7, 0]);
  refusedKeys.add('Bearer one');
  for (let i = 0; i < 4; i++) assert.equal((await rig.chat('hi')).status, 200);
  assert.deepEqual([uses('one'), uses('two'), uses('spare')], [8, 7, 4]);
  assert.deepEqual(
    rig.signals.map(({ kind, facts }) => [kind, facts['key'], facts['spareLeft']]),
    [
      ['provider-key-compromised', 1, true],
      ['provider-key-compromised', 0, true],
    ],
  );
});

test('ableTargets() leaves out, among equals, whoever would send texts on, and refuses where nobody else is in turn', async () => {
  const models: Behaviour = (_req, res) =>
    json(res, 200, { models: [{ name: 'far', remote_host: 'https://far.example' }] });
  const { rig, counts } = await setUp({ near: {}, far: { dialect: 'ollama', models } }, [
    {
      model: 'equals',
      targets: [
        { provider: 'far', model: 'far', weight: 5 },
        { provider: 'near', weight: 1 },
      ],
    },
    { model: 'chain', targets: [{ provider: 'far', model: 'far' }, { provider: 'near' }] },
  ]);
  for (let i = 0; i < 6; i++) assert.equal(saidBy(await rig.chat('hi', { model: 'equals' })), 'near');
  const refused = await rig.chat('hi', { model: 'chain' });
  assert.equal(codeOf(refused), 'ERR_MODEL_REMOTE');
  assert.deepEqual(counts(), { near: 6, far: 0 });
});

test('forward() asks nobody else once the caller has gone', async () => {
  const { rig, counts } = await setUp({ a: { does: () => {} }, b: {} }, [{ model: 'm', targets: targets('a', 'b') }]);
  const leaving = new AbortController();
  const asked = fetch(`${rig.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${userKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'hi' }] }),
    signal: leaving.signal,
  }).catch(() => 'gone');
  await until(() => counts()['a'] === 1);
  leaving.abort();
  assert.equal(await asked, 'gone');
  await until(() => rig.journalled.length === 2);
  assert.equal((rig.journalled[1]!['unmapped'] as JsonObject)['kind'], 'aborted');
  assert.equal(counts()['b'], 0);
});

test('verifiedProviders() leaves out an unverified model among equals, refuses it where it is alone in turn, and no list offers it', async () => {
  const modelGuard: ModelGuard = {
    concerns: (provider) => provider === 'watched',
    admit: async (model) => (model === 'tampered' ? 'refused' : 'verified'),
    isVerified: (model) => model !== 'tampered',
  };
  const { rig, counts } = await setUp(
    { watched: {}, other: {} },
    [
      {
        model: 'equals',
        targets: [
          { provider: 'watched', model: 'tampered', weight: 3 },
          { provider: 'other', weight: 1 },
        ],
      },
      { model: 'chain', targets: [{ provider: 'watched', model: 'tampered' }, { provider: 'other' }] },
      { model: 'nick', aliasOf: 'chain' },
      { model: 'sound', targets: [{ provider: 'watched', model: 'as-it-was' }] },
    ],
    { modelGuard },
  );
  for (let i = 0; i < 4; i++) assert.equal(saidBy(await rig.chat('hi', { model: 'equals' })), 'other');
  for (const model of ['chain', 'nick'])
    assert.equal(
      codeOf(await rig.chat('hi', { model })),
      'ERR_MODEL_UNVERIFIED',
      'what was meant for this machine stays here',
    );
  assert.equal(saidBy(await rig.chat('hi', { model: 'sound' })), 'watched');
  assert.deepEqual(counts(), { watched: 1, other: 4 });
  const { data } = JSON.parse((await rig.get('/v1/models')).text) as { data: { id: string }[] };
  const listed = data.map(({ id }) => id);
  assert.deepEqual(
    listed.filter((id) => id !== 'm'),
    ['equals', 'sound'],
  );
});

test('tryStep() rides out a cut that all equals share, and serves by whichever comes back', async () => {
  const port = await freePort();
  const rig = await startRig(
    ['a', 'b'].map((name) => ({
      name,
      dialect: 'openai' as const,
      url: `http://127.0.0.1:${name === 'a' ? 1 : port}`,
    })),
    {
      settings: {
        retries: { max: 0, baseMs: 20, maxWaitMs: 100, rideOutMs: 50_000 },
        routes: [
          {
            model: 'm',
            targets: [
              { provider: 'a', weight: 1 },
              { provider: 'b', weight: 1 },
            ],
          },
        ],
      },
    },
  );
  cleanUps.push(rig.close);
  const asked = rig.chat('hi');
  await new Promise((resolve) => setTimeout(resolve, 300));
  const server = createServer((req, res) => {
    req.resume();
    req.on('end', () => json(res, 200, completion('by back')));
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  cleanUps.push(async () => void server.close());
  assert.equal(saidBy(await asked), 'back');
});
