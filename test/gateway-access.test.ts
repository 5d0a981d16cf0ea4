// Who may come in, and how far: keys with scopes and ends, asked for over real sockets.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { answering, type Rig, startRig, startUpstream, type Upstream } from './gateway-rig.ts';
import { type Instance, makePlace, run, startInstance } from './instance.ts';

describe('scopes', () => {
  let upstream: Upstream;
  let rig: Rig;
  before(async () => {
    upstream = await startUpstream(answering());
    rig = await startRig([{ name: 'up', dialect: 'openai', url: upstream.url }], {
      keys: [
        { key: 'only-m-models', subject: 'mia', role: 'user', scopes: { models: ['m*'] } },
        { key: 'only-tags', subject: 'tom', role: 'user', scopes: { routes: ['/api/tags'] } },
      ],
    });
  });
  after(async () => {
    await rig.close();
    await upstream.close();
  });
  const as = (key: string) => ({ authorization: `Bearer ${key}` });
  const messages = [{ role: 'user', content: 'hello' }];

  for (const [path, agent, shape] of [
    ['/v1/chat/completions', 'x', { error: { code: 'ERR_SCOPE_MODEL', param: null } }],
    ['/v1/chat/completions', 'mistral-client', { code: 'ERR_SCOPE_MODEL', object: 'error' }],
    ['/api/chat', 'x', {}],
  ] as const)
    test(`a key of some models is refused the others at ${path} (${agent}), in the dialect’s shape, and nothing goes out`, async () => {
      const ask = (model: string) =>
        rig.ask(path, { model, messages, stream: false }, { ...as('only-m-models'), 'user-agent': agent });
      assert.equal((await ask('m-large')).status, 200);
      const before = upstream.bodies.length;
      for (const model of ['other', 'x/m-large', 'registry.ollama.ai/x/m-large']) {
        const refused = await ask(model);
        assert.equal(refused.status, 403);
        const body = JSON.parse(refused.text) as { error: unknown };
        assert.partialDeepStrictEqual(body, shape);
        if (path === '/api/chat') assert.equal(typeof body.error, 'string');
        assert.equal(refused.headers['x-should-retry'], 'false');
      }
      assert.equal(upstream.bodies.length, before);
    });

  test('a key of some addresses is refused at the others, and reads what it may', async () => {
    assert.equal((await rig.get('/api/tags', as('only-tags'))).status, 200);
    const refused = await rig.get('/v1/models', as('only-tags'));
    assert.deepEqual([refused.status, JSON.parse(refused.text).error.code], [403, 'ERR_SCOPE_ROUTE']);
    const chat = await rig.ask('/v1/chat/completions', { model: 'm', messages }, as('only-tags'));
    assert.equal(JSON.parse(chat.text).error.code, 'ERR_SCOPE_ROUTE');
  });

  test('a list of models holds only those that the key opens', async () => {
    const ids = async (key: string) =>
      (JSON.parse((await rig.get('/v1/models', as(key))).text) as { data: { id: string }[] }).data.map(({ id }) => id);
    assert.deepEqual(await ids('only-m-models'), ['m']);
    const none = await startRig([{ name: 'up', dialect: 'openai', url: upstream.url }], {
      keys: [{ key: 'none', subject: 'n', role: 'user', scopes: { models: ['z*'] } }],
    });
    const listed = await none.get('/v1/models', as('none'));
    assert.deepEqual(JSON.parse(listed.text).data, []);
    assert.equal((await none.get('/v1/models/m', as('none'))).status, 404);
    await none.close();
  });
});

describe('keys of a running instance', () => {
  const place = makePlace();
  const data = ['--data', 'd'];
  let app: Instance;
  before(async () => {
    app = await startInstance(data, { cwd: place.dir });
  });
  after(async () => {
    await app?.stop();
    place.remove();
  });
  const keys = async (...args: string[]) => {
    const { stdout, stderr, code } = await run(['keys', ...args, ...data], { cwd: place.dir });
    return { stdout, stderr, code };
  };
  const made = async (...args: string[]) => JSON.parse((await keys(...args, '--json')).stdout);
  const models = async (key: string) =>
    (await fetch(`${app.gatewayUrl}/v1/models`, { headers: { authorization: `Bearer ${key}` } })).status;

  test('keys rotate gives a second secret; with an overlap both open, without one the first is closed', async () => {
    const first = await made('create', '--subject', 'ada', '--models', 'mistral-*, rempart-*', '--for', '90d');
    const second = await made('rotate', first.id, '--overlap', '24h');
    assert.deepEqual(second.models, ['mistral-*', 'rempart-*']);
    assert.ok(Math.abs(Date.parse(second.old.until) - Date.now() - 86_400_000) < 60_000);
    assert.deepEqual([await models(first.key), await models(second.key)], [200, 200]);
    const third = await made('rotate', second.id, '--overlap', '0');
    assert.deepEqual([await models(second.key), await models(third.key)], [401, 200]);
    const { stdout } = await keys('list');
    assert.match(stdout, new RegExp(`${third.id}.*active.*until.*mistral-\\*, rempart-\\*`));
    const journal = await run(['journal', 'export', ...data], { cwd: place.dir });
    assert.match(journal.stdout, new RegExp(`"id":"${third.id}".*"replaces":"${second.id}"`));
    for (const { key } of [first, second, third]) assert.ok(!journal.stdout.includes(key));
  });

  test('keys says in one sentence what is wrong with a time, a scope, an id', async () => {
    for (const [args, code, words] of [
      [['create', '--subject', 'x', '--for', 'soon'], 2, /ERR_USAGE/],
      [['create', '--subject', 'x', '--for', '0'], 2, /ERR_USAGE/],
      [['create', '--subject', 'x', '--models', 'a,,b'], 2, /ERR_USAGE/],
      [['rotate', 'rmp_nobody1234'], 2, /ERR_KEY_UNKNOWN/],
      [['rotate'], 2, /ERR_USAGE/],
    ] as const) {
      const ended = await keys(...args);
      assert.equal(ended.code, code, args.join(' '));
      assert.match(ended.stderr, words);
      assert.ok(!ended.stderr.includes('    at '));
    }
  });
});

describe('tokens, guesses and attacks at a running instance', () => {
  const place = makePlace();
  const data = ['--data', 'd'];
  const env = { TOKEN_SECRET: 'a secret of more than thirty-two bytes, for tests' };
  let app: Instance;
  before(async () => {
    writeFileSync(
      join(place.dir, 'rempart.yaml'),
      `access:
  tokens:
    - issuer: local
      audience: rempart
      roleClaim: role
      roles: { chief: operator }
      signing: { key: env:TOKEN_SECRET, algorithm: HS256 }
  guesses: { failures: 4, lockSeconds: 60, delayMs: 10 }
gateway:
  hosts: [chat.example.org]
`,
    );
    app = await startInstance(data, { cwd: place.dir, env });
  });
  after(async () => {
    await app?.stop();
    place.remove();
  });
  const command = (...args: string[]) => run([...args, ...data], { cwd: place.dir, env });
  const issue = async (...args: string[]) =>
    JSON.parse((await command('token', 'issue', '--json', ...args)).stdout) as { token: string; jti: string };
  const get = async (path: string, credential: string, headers: Record<string, string> = {}) =>
    fetch(`${app.gatewayUrl}${path}`, { headers: { authorization: `Bearer ${credential}`, ...headers } });
  const journal = async () => (await command('journal', 'export')).stdout;

  test('token issue makes a token that opens model and chatbot within its scope, until token revoke closes it at once', async () => {
    const { token, jti } = await issue('--subject', 'ada', '--models', 'rempart-*', '--routes', '/v1/*,/chat*');
    assert.equal((await get('/v1/models', token)).status, 200);
    assert.equal((await get('/chat/conversations', token)).status, 200);
    assert.equal((await get('/api/tags', token)).status, 403);
    const ask = (model: string) =>
      fetch(`${app.gatewayUrl}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ model, messages: [{ role: 'user', content: 'hello' }] }),
      });
    assert.deepEqual([(await ask('rempart-standin')).status, (await ask('other')).status], [200, 403]);
    assert.equal((await command('token', 'revoke', jti)).code, 0);
    assert.deepEqual(
      [(await get('/v1/models', token)).status, (await get('/chat/conversations', token)).status],
      [401, 401],
    );
    const kept = await journal();
    assert.match(kept, new RegExp(`"token":\\{[^}]*"jti":"${jti}"`));
    assert.ok(!kept.includes(token.split('.')[2]!), 'the token itself is nowhere');
  });

  test('token revoke --subject closes all that a subject was given until then, and no other’s', async () => {
    const [first, second, other] = [
      await issue('--subject', 'bob'),
      await issue('--subject', 'bob'),
      await issue('--subject', 'cy'),
    ];
    await command('token', 'revoke', '--subject', 'bob');
    const status = async ({ token }: { token: string }) => (await get('/v1/models', token)).status;
    assert.deepEqual([await status(first), await status(second), await status(other)], [401, 401, 200]);
    const { stdout } = await command('token', 'list');
    assert.match(stdout, /subject {2}bob/);
  });

  test('token issue says what is wrong in one sentence', async () => {
    for (const [args, words] of [
      [['issue'], /ERR_USAGE/],
      [['issue', '--subject', 'x', '--role', 'admin'], /"admin" is not one of: user, viewer, chief/],
      [['issue', '--subject', 'x', '--for', '900d'], /24 h at most/],
      [['revoke'], /ERR_USAGE/],
      [['revoke', 'x', '--subject', 'y'], /ERR_USAGE/],
    ] as const) {
      const ended = await command('token', ...args);
      assert.equal(ended.code, 2, args.join(' '));
      assert.match(ended.stderr, words);
    }
    const bare = makePlace();
    const ended = await run(['token', 'issue', '--subject', 'x'], { cwd: bare.dir });
    assert.deepEqual([ended.code, /ERR_TOKEN_SIGNING/.test(ended.stderr)], [2, true]);
    bare.remove();
  });

  test('a wrong configuration of tokens is refused before anything starts', async () => {
    const bad = makePlace();
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
    const file = join(bad.dir, 'public.pem');
    writeFileSync(file, publicKey.export({ type: 'spki', format: 'pem' }).toString());
    for (const [key, words] of [
      [`{ key: 'file:${file}', algorithm: HS256 }`, /access\.tokens\.0\.keys\.0\.key.*public half/],
      ['{ key: env:SHORT, algorithm: HS256 }', /32 bytes/],
      ['{ key: env:SHORT, algorithm: none }', /algorithm/],
    ] as const) {
      writeFileSync(join(bad.dir, 'rempart.yaml'), `access: { tokens: [{ issuer: i, audience: a, keys: [${key}] }] }`);
      const ended = await run(['up', '--port', '0'], { cwd: bad.dir, env: { SHORT: 'short' } });
      assert.equal(ended.code, 2, ended.stderr);
      assert.match(ended.stderr, words);
      assert.ok(!ended.stderr.includes('short'));
    }
    bad.remove();
  });

  test('guesses at one key are slowed, then locked out for that key alone, journalled and counted', async () => {
    const { key } = JSON.parse((await command('keys', 'create', '--subject', 'eve', '--json')).stdout) as {
      key: string;
    };
    const mine = JSON.parse((await command('keys', 'create', '--subject', 'dan', '--json')).stdout) as { key: string };
    assert.equal((await get('/v1/models', key)).status, 200);
    const guess = async () => get('/v1/models', `${key.slice(0, 15)}${'x'.repeat(43)}`);
    for (let i = 0; i < 4; i++) assert.equal((await guess()).status, 401);
    const locked = await guess();
    assert.deepEqual(
      [locked.status, ((await locked.json()) as { error: { code: string } }).error.code],
      [429, 'ERR_LOCKED_OUT'],
    );
    assert.ok(Number(locked.headers.get('retry-after')) > 30);
    assert.equal((await get('/v1/models', key)).status, 429, 'the right one of that beginning waits too');
    assert.equal((await get('/v1/models', mine.key)).status, 200, 'another key from the same place does not');
    assert.match(await journal(), /"types":\["brute-force"\]/);
    const metrics = await (await fetch(`${app.consoleUrl}/metrics`)).text();
    assert.match(metrics, /failed_auth\w*\{reason="locked-out"\} [1-9]/);
  });

  test('an attack round the prompt is a finding in the journal with the request’s id, and a count', async () => {
    const answer = await get('/v1/models?x=..%2f..%2fetc%2fpasswd', app.apiKey ?? '');
    assert.equal(answer.status, 403);
    const id = answer.headers.get('x-request-id') ?? '';
    const line = (await journal()).split('\n').find((one) => one.includes(`"uid":"${id}/traversal-`)) ?? '{}';
    const { event = JSON.parse(line) } = JSON.parse(line);
    assert.deepEqual([event.class_uid, event.metadata.correlation_uid], [2004, id]);
    assert.ok(!line.includes('passwd'), 'not what was sent');
    const metrics = await (await fetch(`${app.consoleUrl}/metrics`)).text();
    assert.match(metrics, /rempart_waf_matches_total\{rule="traversal-dots",action="block"\} 1/);
  });
});
