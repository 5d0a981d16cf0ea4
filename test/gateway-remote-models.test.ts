// Models that an Ollama would send on to another company: refused whatever dialect it is spoken to in, and nowhere else.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { refusesCloudNames } from '../src/protect/gateway/remote-guard.ts';
import { routesIssue } from '../src/protect/gateway/routes-config.ts';
import type { ProviderSettings } from '../src/protect/gateway/settings.ts';
import {
  answering,
  type Behaviour,
  beginSse,
  chunk,
  completion,
  json,
  lastChunk,
  type Rig,
  startRig,
  startUpstream,
  type Upstream,
} from './gateway-rig.ts';

const ends: (() => Promise<void>)[] = [];
after(async () => {
  for (const end of ends) await end();
});

const list: Behaviour = (req, res) =>
  req.url === '/api/tags'
    ? json(res, 200, { models: [{ name: 'm' }, { name: 'far', remote_host: 'https://far.example' }] })
    : json(res, 200, { data: [{ id: 'm' }, { id: 'big:cloud' }] });

async function before(
  settings: Partial<ProviderSettings>,
  behaviour: Behaviour = answering(),
  models: Behaviour = list,
): Promise<{ rig: Rig; upstream: Upstream }> {
  const upstream = await startUpstream(behaviour, models);
  const rig = await startRig([{ name: 'up', dialect: 'openai', url: upstream.url, ...settings }]);
  ends.push(rig.close, upstream.close);
  return { rig, upstream };
}

for (const dialect of ['openai', 'mistral'] as const)
  for (const model of ['big:cloud', 'big:120b-cloud', 'BIG-Cloud:latest'])
    test(`${model} is refused before anything is sent to a server nearby that is spoken to as ${dialect}`, async () => {
      const { rig, upstream } = await before({ dialect });
      for (const [path, body] of [
        ['/v1/chat/completions', { model, messages: [{ role: 'user', content: 'hi' }] }],
        ['/v1/chat/completions', { model, messages: [{ role: 'user', content: 'hi' }], stream: true }],
        ['/api/chat', { model, messages: [{ role: 'user', content: 'hi' }] }],
        ['/v1/embeddings', { model, input: 'hi' }],
      ] as const) {
        const { status, text } = await rig.ask(path, body);
        assert.equal(status, 403, text);
        assert.match(text, /ERR_MODEL_REMOTE/);
      }
      assert.equal(upstream.bodies.length, 0);
      assert.equal((await rig.chat('hi')).status, 200);
      assert.doesNotMatch((await rig.get('/v1/models')).text, /cloud/);
    });

test('a name of a cloud is an ordinary one where the configuration says so', async () => {
  const { rig } = await before({ remoteModels: 'allow' });
  assert.equal((await rig.chat('hi', { model: 'big:cloud' })).status, 200);
  assert.match((await rig.get('/v1/models')).text, /big:cloud/);
});

test('a model of another name that an Ollama sends on is refused too where its list is to be looked at', async () => {
  const { rig, upstream } = await before({ remoteModels: 'refuse', key: 'k' });
  const far = await rig.chat('hi', { model: 'Far:latest' });
  assert.equal(far.status, 403, far.text);
  assert.match(far.text, /ERR_MODEL_REMOTE/);
  assert.equal(upstream.bodies.length, 0);
  assert.equal((await rig.chat('hi')).status, 200);
});

test('what has no such list is asked all the same, and is asked for the list once', async () => {
  for (const status of [403, 404, 405]) {
    const { rig, upstream } = await before({ remoteModels: 'refuse', key: 'k' }, answering(), (_req, res) =>
      json(res, status, { error: 'no' }),
    );
    for (let nth = 0; nth < 3; nth++) assert.equal((await rig.chat('hi')).status, 200);
    assert.equal(upstream.ledger.length, 4);
  }
});

for (const stream of [false, true])
  test(`a server that says it is an Ollama is treated as one from then on, ${stream ? 'streamed' : 'whole'}`, async () => {
    const said: Behaviour = (_req, res) => {
      if (!stream) return json(res, 200, { ...completion('hi'), system_fingerprint: 'fp_ollama' });
      beginSse(res);
      return void res.end(chunk('hi').replace('"model"', '"system_fingerprint":"fp_ollama","model"') + lastChunk);
    };
    const { rig, upstream } = await before({}, said);
    assert.equal((await rig.chat('hi', { stream })).status, 200);
    const far = await rig.chat('hi', { model: 'far', stream });
    assert.match(far.text, /ERR_MODEL_REMOTE/);
    assert.equal(upstream.bodies.length, 1);
    assert.equal((await rig.chat('hi', { stream })).status, 200);
  });

const openai = (url: string, more: Partial<ProviderSettings> = {}) => ({ dialect: 'openai' as const, url, ...more });
for (const [what, settings, refuses] of [
  ['this machine', openai('http://127.0.0.1:8000'), true],
  ['this machine in IPv6', openai('http://[::1]:8000'), true],
  ['a private network', openai('https://172.20.1.4/v1'), true],
  ['a private network in IPv6', openai('http://[fd00::4]:8000'), true],
  ['a name of a container', openai('http://ollama:8000'), true],
  ['a name of a private network', openai('https://llm.corp'), true],
  ["Ollama's port anywhere", openai('http://llm.example.org:11434'), true],
  ['a service of the internet', openai('https://api.openai.com'), false],
  ['an address of the internet', openai('https://172.40.1.4'), false],
  ['a service of the internet, told to', openai('https://llm.example.org', { remoteModels: 'refuse' }), true],
  ['this machine, told not to', openai('http://127.0.0.1:11434', { remoteModels: 'allow' }), false],
  ['an Ollama anywhere', { dialect: 'ollama', url: 'https://llm.example.org' }, true],
] as const)
  test(`refusesCloudNames() says ${refuses ? 'yes' : 'no'} to ${what}`, () => {
    assert.equal(refusesCloudNames(settings), refuses);
  });

test('routesIssue() names a target that would be refused', () => {
  const rules = [{ model: 'big', targets: [{ provider: 'up', model: 'big:cloud' }] }];
  const issue = (url: string) => routesIssue(rules, [{ name: 'up', dialect: 'openai', url }])?.key;
  assert.equal(issue('http://127.0.0.1:8000'), 'routes.issue.cloud');
  assert.equal(issue('https://api.openai.com'), undefined);
});
