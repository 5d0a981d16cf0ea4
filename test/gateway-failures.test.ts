// The gateway before upstreams that misbehave: what is retried, what is said, who takes over, and how soon it is well again.
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { test } from 'node:test';
import { freePort } from '../src/platform/base/test-port.ts';
import { cleanUps, codeOf, impatient, kinds, openai503, rigBefore } from './failing-rig.ts';
import { answering, type Behaviour, completion, json, startRig, startUpstream, until } from './gateway-rig.ts';

const hopeless: readonly [string, Behaviour, number, string, number][] = [
  ['503', openai503, 503, 'ERR_PROVIDER_UNAVAILABLE', 3],
  // Silence for a whole time limit is not tried again: the user has waited long enough.
  ['silence', () => {}, 503, 'ERR_PROVIDER_UNAVAILABLE', 1],
  ['a closed connection', (req) => req.socket.destroy(), 503, 'ERR_PROVIDER_UNAVAILABLE', 3],
  [
    'a page of HTML with 200',
    (_req, res) => res.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Down</h1>'),
    503,
    'ERR_PROVIDER_UNAVAILABLE',
    3,
  ],
  ['JSON of another kind', (_req, res) => json(res, 200, { fine: true }), 503, 'ERR_PROVIDER_UNAVAILABLE', 3],
  [
    'headers without end',
    (_req, res) => json(res, 200, completion('x'), { 'x-big': 'y'.repeat(40_000) }),
    503,
    'ERR_PROVIDER_UNAVAILABLE',
    3,
  ],
  [
    'a redirect',
    (_req, res) => res.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
    503,
    'ERR_PROVIDER_UNAVAILABLE',
    3,
  ],
  [
    'a body cut in the middle',
    (_req, res) => {
      res.writeHead(200, { 'content-type': 'application/json', 'content-length': 500 });
      res.write('{"choices":');
      setTimeout(() => res.destroy(), 10);
    },
    503,
    'ERR_PROVIDER_UNAVAILABLE',
    3,
  ],
  [
    '429 with a long wait',
    (_req, res) => json(res, 429, { error: { code: 'rate_limit_exceeded' } }, { 'retry-after': '9' }),
    429,
    'ERR_RATE_LIMITED',
    1,
  ],
  [
    'an exhausted quota',
    (_req, res) => json(res, 429, { error: { type: 'insufficient_quota', code: 'insufficient_quota' } }),
    429,
    'ERR_QUOTA_EXHAUSTED',
    1,
  ],
  [
    'a refused key',
    (_req, res) => json(res, 401, { error: { code: 'invalid_api_key' } }),
    502,
    'ERR_PROVIDER_REFUSED',
    1,
  ],
  [
    'a bad request',
    (_req, res) => json(res, 400, { error: { message: 'secret words' } }),
    400,
    'ERR_PROVIDER_REQUEST',
    1,
  ],
  [
    'an unknown model',
    (_req, res) => json(res, 404, { error: { code: 'model_not_found' } }),
    404,
    'ERR_MODEL_UNKNOWN',
    1,
  ],
];

for (const [what, behaviour, status, code, attempts] of hopeless)
  for (const stream of [false, true])
    test(`createGateway() answers ${status} ${code} after ${attempts} attempts to ${what}, ${stream ? 'streamed' : 'whole'}`, async () => {
      const { rig, upstream } = await rigBefore(behaviour, what === 'silence' ? { options: impatient } : {});
      const answer = await rig.chat('hi', { stream });
      assert.equal(answer.status, status, answer.text);
      assert.equal(codeOf(answer), code);
      assert.equal(upstream.bodies.length, attempts);
      if (status >= 429) assert.ok(Number(answer.headers['retry-after']) >= 1, 'retry-after is there');
      assert.equal(answer.headers['x-should-retry'], /UNAVAILABLE|RATE/.test(code) ? undefined : 'false');
      assert.doesNotMatch(answer.text, /secret words|127\.0\.0\.1/);
    });

test('createGateway() retries what heals, apart by at least the base and by what the provider asks', async () => {
  const at: number[] = [];
  const { rig } = await rigBefore((req, res, body, nth) => {
    at.push(Date.now());
    if (nth === 1) json(res, 503, {});
    else if (nth === 2) json(res, 429, { error: { code: 'rate_limit_exceeded' } }, { 'retry-after-ms': '200' });
    else answering()(req, res, body, nth);
  });
  assert.equal((await rig.chat('hi')).status, 200);
  assert.ok(at[1]! - at[0]! >= 19, `${at[1]! - at[0]!} ms`);
  assert.ok(at[2]! - at[1]! >= 198, `${at[2]! - at[1]!} ms`);
  assert.deepEqual(
    rig.signals.map(({ kind, severity }) => [kind, severity]),
    [
      ['provider-unavailable', 'low'],
      ['rate-limited', 'low'],
    ],
  );
});

test('createGateway() retries a cut of each first attempt, and every message is answered', async () => {
  const { rig } = await rigBefore((req, res, body, nth) =>
    nth % 2 === 1 ? req.socket.destroy() : answering()(req, res, body, nth),
  );
  for (let i = 0; i < 4; i++) assert.equal((await rig.chat('hi')).status, 200);
});

test('createGateway() lets the spare key take over within the request and never uses the refused one again', async () => {
  const { rig, upstream } = await rigBefore(
    (req, res, body, nth) =>
      req.headers.authorization === 'Bearer key-1' ? json(res, 401, { error: {} }) : answering()(req, res, body, nth),
    { spareKeys: ['key-2'] },
  );
  for (let i = 0; i < 6; i++) assert.equal((await rig.chat('hi')).status, 200);
  await new Promise((resolve) => setTimeout(resolve, 700));
  assert.deepEqual(upstream.ledger, ['Bearer key-1', ...Array.from({ length: 6 }, () => 'Bearer key-2')]);
  assert.deepEqual(kinds(rig), ['provider-key-compromised']);
  const state = rig.gateway.state();
  assert.equal(state.degraded, true);
  assert.deepEqual(
    state.providers[0]!.keys.map((key) => key.refused),
    [true, false],
  );
});

test('createGateway() uses each refused key three times at most, however long and whoever asks', async () => {
  const refuse: Behaviour = (_req, res) => json(res, 403, { error: {} });
  const options = {
    settings: {
      refusal: { maxUses: 3, probeAfterMs: 100, lastKeyProbesMs: [100, 200] as const },
      breaker: { failures: 5, halfOpenMs: 50 },
    },
  };
  const { rig, upstream } = await rigBefore(refuse, { spareKeys: ['key-2'], options, models: refuse });
  const keys = ['Bearer key-1', 'Bearer key-2'];
  const uses = () => keys.map((key) => upstream.ledger.filter((used) => used === key).length);
  const asked = async () => assert.equal(codeOf(await rig.chat('hi')), 'ERR_PROVIDER_REFUSED');
  while (uses().some((count) => count < 3)) {
    await asked();
    await new Promise((resolve) => setTimeout(resolve, 60));
  }
  for (let i = 0; i < 6; i++) {
    await asked();
    await new Promise((resolve) => setTimeout(resolve, 60));
  }
  assert.deepEqual(uses(), [3, 3], upstream.ledger.join());
});

test('createGateway() takes a key back once a probe is accepted', async () => {
  let revoked = true;
  const refuse: Behaviour = (req, res, body, nth) => (revoked ? json(res, 401, {}) : answering()(req, res, body, nth));
  const models: Behaviour = (_req, res) => (revoked ? json(res, 401, {}) : json(res, 200, { data: [] }));
  const options = {
    settings: {
      refusal: { maxUses: 3, probeAfterMs: 100, lastKeyProbesMs: [100, 200] as const },
      breaker: { failures: 5, halfOpenMs: 50 },
    },
  };
  const { rig } = await rigBefore(refuse, { options, models });
  assert.equal((await rig.chat('hi')).status, 502);
  revoked = false;
  await until(() => kinds(rig).includes('provider-recovered'));
  assert.equal((await rig.chat('hi')).status, 200);
});

test('createGateway() sends nothing while the breaker is open', async () => {
  const { rig, upstream } = await rigBefore((_req, res) => json(res, 500, {}), {
    options: { settings: { breaker: { failures: 5, halfOpenMs: 600_000 } } },
  });
  await rig.chat('one');
  await rig.chat('two');
  assert.equal(rig.gateway.state().providers[0]!.keys[0]!.breaker, 'open');
  const sent = upstream.bodies.length;
  assert.equal(codeOf(await rig.chat('three')), 'ERR_PROVIDER_UNAVAILABLE');
  assert.equal(upstream.bodies.length, sent);
});

test('createGateway() serves again after the half-open time', async () => {
  let broken = true;
  const { rig } = await rigBefore(
    (req, res, body, nth) => (broken ? json(res, 500, {}) : answering()(req, res, body, nth)),
    { models: (_req, res) => json(res, broken ? 500 : 200, { data: [] }) },
  );
  await rig.chat('one');
  await rig.chat('two');
  broken = false;
  await until(async () => (await rig.chat('three')).status === 200);
  assert.deepEqual(kinds(rig), ['provider-unavailable', 'provider-recovered']);
});

test('createGateway() finds by itself, without a user, that the provider is back', async () => {
  let broken = true;
  const { rig } = await rigBefore((_req, res) => json(res, 500, {}), {
    models: (_req, res) => json(res, broken ? 500 : 200, { data: [] }),
  });
  await rig.chat('one');
  await rig.chat('two');
  assert.equal(rig.gateway.state().degraded, true);
  broken = false;
  await until(() => kinds(rig).includes('provider-recovered'));
  assert.equal(rig.gateway.state().providers[0]!.keys[0]!.breaker, 'closed');
  await until(() => !rig.gateway.state().degraded);
});

test('createGateway() says network-cut at the first request that finds nobody, and serves once the listener is back', async () => {
  const port = await freePort();
  const rig = await startRig([{ name: 'up', dialect: 'openai', url: `http://127.0.0.1:${port}`, key: 'k' }]);
  cleanUps.push(rig.close);
  const answer = await rig.chat('hi');
  assert.equal(codeOf(answer), 'ERR_PROVIDER_UNAVAILABLE');
  assert.deepEqual(kinds(rig), ['network-cut']);
  const server: Server = createServer((_req, res) => json(res, 200, completion('back')));
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  cleanUps.push(async () => void server.close());
  await until(async () => (await rig.chat('hi')).status === 200);
});

test('createGateway() warns once when four fifths of a limit are used', async () => {
  const { rig } = await rigBefore((_req, res) =>
    json(res, 200, completion('x'), { 'x-ratelimit-limit-requests': '100', 'x-ratelimit-remaining-requests': '15' }),
  );
  await rig.chat('hi');
  await rig.chat('hi');
  assert.deepEqual(
    rig.signals.map(({ kind, facts }) => [kind, facts['usedPercent']]),
    [['quota-warning', 85]],
  );
});

test('createGateway() falls back to the next provider, in another dialect, and marks the answer', async () => {
  const down = await startUpstream(openai503);
  const up = await startUpstream(answering('from the other'));
  const rig = await startRig(
    [
      { name: 'first', dialect: 'openai', url: down.url, key: 'k' },
      { name: 'second', dialect: 'ollama', url: up.url },
    ],
    {
      settings: { routes: [{ model: 'm', targets: [{ provider: 'first' }, { provider: 'second', model: 'small' }] }] },
    },
  );
  cleanUps.push(rig.close, down.close, up.close);
  for (const stream of [false, true]) {
    const answer = await rig.chat('hi', { stream });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers['x-rempart-degraded'], 'provider');
    assert.equal((JSON.parse(up.bodies.at(-1)!) as { model: string }).model, 'small');
  }
});

test('ask() streams, counts, and tells an honest error with a time to wait', async () => {
  let broken = false;
  const { rig } = await rigBefore((req, res, body, nth) =>
    broken ? json(res, 503, {}) : answering()(req, res, body, nth),
  );
  const caller = { subject: 's', role: 'user', credential: 'c', sourceIp: '127.0.0.1' } as const;
  const base = { caller, model: 'm', lang: 'en', requestId: 'req_1', signal: new AbortController().signal } as const;
  const messages = [{ role: 'user', content: 'hi' }] as const;
  let streamed = '';
  const answer = await rig.gateway.ask({ ...base, messages }, (text) => {
    streamed += text;
  });
  assert.deepEqual([answer.kind, streamed], ['answer', 'hello']);
  broken = true;
  const failed = await rig.gateway.ask({ ...base, messages });
  assert.equal(failed.kind, 'unavailable');
  if (failed.kind === 'unavailable') {
    assert.equal(failed.error.code, 'ERR_PROVIDER_UNAVAILABLE');
    assert.equal(failed.retryAfterSeconds, failed.error.facts['seconds']);
  }
  assert.equal(rig.journalled.length, 4);
});

test('createGateway() keeps a key in service when only one request was forbidden', async () => {
  const { rig, upstream } = await rigBefore(
    (req, res, body, nth) =>
      JSON.stringify(body).includes('forbidden-model')
        ? json(res, 403, { error: {} })
        : answering()(req, res, body, nth),
    { models: (_req, res) => json(res, 200, { data: [] }) },
  );
  const forbidden = await rig.chat('hi', { model: 'forbidden-model' });
  assert.equal(codeOf(forbidden), 'ERR_PROVIDER_REFUSED');
  await until(async () => (await rig.chat('hi')).status === 200);
  assert.ok(!kinds(rig).includes('provider-key-compromised'));
  assert.equal(rig.gateway.state().providers[0]!.keys[0]!.refused, false);
  assert.ok(upstream.ledger.length >= 2);
});

test('createGateway() drops a key that a probe too finds forbidden, after two uses', async () => {
  const refuse: Behaviour = (req, res, body, nth) =>
    req.headers.authorization === 'Bearer key-1' ? json(res, 403, { error: {} }) : answering()(req, res, body, nth);
  const models: Behaviour = (req, res) =>
    req.headers.authorization === 'Bearer key-1' ? json(res, 403, { error: {} }) : json(res, 200, { data: [] });
  const { rig, upstream } = await rigBefore(refuse, { spareKeys: ['key-2'], models });
  assert.equal((await rig.chat('hi')).status, 200);
  await until(() => kinds(rig).includes('provider-key-compromised'));
  assert.equal((await rig.chat('again')).status, 200);
  assert.equal(upstream.ledger.filter((used) => used === 'Bearer key-1').length, 2, upstream.ledger.join());
});
