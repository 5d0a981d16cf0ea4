// Routes in a running instance: from the file to the provider that is asked, weighted keys and the chatbot among it, changed without a restart, and refused when they are wrong.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { answering, startUpstream, type Upstream } from './gateway-rig.ts';
import { type Instance, makePlace, run, startInstance, until } from './instance.ts';
import { answeringIn } from './upstream-dialects.ts';

const place = makePlace();
const file = join(place.dir, 'rempart.yaml');
const env = { USER_KEY: 'user-key-of-the-test', ONE: 'cnry-up-one', TWO: 'cnry-up-two', SPARE: 'cnry-up-spare' };
let cloud: Upstream;
let local: Upstream;
let instance: Instance;

const put = (routes: string, path = file) =>
  writeFileSync(
    path,
    `providers:
  - { name: cloud, dialect: openai, url: '${cloud.url}', keys: [{ key: env:ONE, weight: 3 }, { key: env:TWO }], spareKeys: [env:SPARE] }
  - { name: local, dialect: ollama, url: '${local.url}' }
access: { keys: [{ key: env:USER_KEY, subject: tester }] }
chatbot: { model: assistant }
localAnswers: { cache: off }
routes:
${routes}`,
  );

before(async () => {
  cloud = await startUpstream(answering('from the cloud'));
  local = await startUpstream(answeringIn('ollama', { model: 'tiny:1b', text: 'from this machine' }));
  put(
    "  - { model: assistant, targets: [{ provider: cloud, model: big-1 }, { provider: local, model: 'tiny:1b' }] }\n",
  );
  instance = await startInstance([], { cwd: place.dir, env });
});
after(async () => {
  await instance.stop();
  await cloud.close();
  await local.close();
  place.remove();
});

const ask = (path: string, body: object) =>
  fetch(`${instance.gatewayUrl}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${env.USER_KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
const chat = async (model: string, content = 'hello') =>
  (await ask('/v1/chat/completions', { model, messages: [{ role: 'user', content }] })).text();

function journal(): string {
  const folder = join(place.dir, '.rempart', 'journal', 'gateway');
  return readdirSync(folder)
    .map((name) => readFileSync(join(folder, name), 'utf8'))
    .join('');
}

async function hangup(): Promise<string> {
  const reloads = () =>
    journal()
      .split('\n')
      .filter((line) => line.includes('"phase":"reload"'));
  const count = reloads().length;
  instance.child.kill('SIGHUP');
  await until(() => reloads().length > count);
  return reloads().at(-1)!;
}

test('up sends a name where its route leads, with keys by their weights, the chatbot too', async () => {
  for (let i = 0; i < 8; i++)
    assert.match(await chat('assistant', `question ${i}`), /"model":"assistant".*from the cloud/);
  const uses = (key: string) => cloud.ledger.filter((used) => used === `Bearer ${key}`).length;
  assert.deepEqual([uses(env.ONE), uses(env.TWO), uses(env.SPARE)], [6, 2, 0]);
  assert.match(await (await ask('/chat', { message: 'hello' })).text(), /from the cloud/);
  assert.equal((JSON.parse(cloud.bodies.at(-1)!) as { model: string }).model, 'big-1');
  const listed = await fetch(`${instance.gatewayUrl}/v1/models`, {
    headers: { authorization: `Bearer ${env.USER_KEY}` },
  });
  assert.match(await listed.text(), /"id":"assistant"/);
});

test('SIGHUP changes routes at once; wrong ones change nothing', async () => {
  put(
    "  - { model: assistant, aliasOf: helper }\n  - { model: help*, targets: [{ provider: local, model: 'tiny:1b' }] }\n",
  );
  assert.match(await hangup(), /"status_id":1/);
  const answer = await chat('assistant', 'and now');
  assert.match(answer, /from this machine/);
  assert.doesNotMatch(answer, /tiny|helper/);
  put('  - { model: assistant, aliasOf: helper }\n  - { model: help*, aliasOf: assistant }\n');
  assert.match(await hangup(), /ERR_CONFIG_INVALID/);
  assert.match(await chat('assistant', 'and then'), /from this machine/);
});

test('up with wrong routes says where and why, and does not start', async () => {
  const wrong = join(place.dir, 'wrong.yaml');
  put('  - { model: m, targets: [{ provider: clout }] }\n', wrong);
  const args = ['up', '--config', wrong, '--data', join(place.dir, 'other')];
  const { code, stderr } = await run(args, { cwd: place.dir, env });
  assert.equal(code, 2);
  assert.match(stderr, /routes\.0\.targets\.0\.provider.*"clout".*cloud, local/);
  const french = await run([...args, '--lang', 'fr'], { cwd: place.dir, env });
  assert.match(french.stderr, /aucun fournisseur ne s’appelle «\sclout\s»/u);
});

test('no key of a provider is in the journal or the log of a running instance', async () => {
  const written = journal() + instance.stderr() + instance.stdout();
  assert.ok(
    written.includes('"modelUsed":"big-1"') && written.includes('"route":"assistant"'),
    'it says who was asked',
  );
  for (const key of [env.ONE, env.TWO, env.SPARE]) assert.ok(!written.includes(key));
});
