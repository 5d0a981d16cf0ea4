// Who may come in, and how far: keys with scopes and ends, asked for over real sockets.
import assert from 'node:assert/strict';
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
