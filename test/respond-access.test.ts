// What actions on access do to a running instance: seen from outside, by whoever asks it.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { startApp } from '../src/app.ts';
import { loadConfig } from '../src/config.ts';
import type { JsonObject } from '../src/platform/base/json.ts';
import { createLog } from '../src/platform/base/log.ts';
import type { Action, ActionContext } from '../src/respond/engine/action.ts';
import { completion, json, startUpstream } from './gateway-rig.ts';
import { until } from './instance.ts';

const dir = mkdtempSync(join(tmpdir(), 'rempart-access-'));
const first = await startUpstream((_req, res) => json(res, 200, completion('from the first')));
const second = await startUpstream((_req, res) => json(res, 200, completion('from the second')));
const file = join(dir, 'rempart.yaml');
writeFileSync(
  file,
  `gateway: { port: 0, trustedProxies: ['192.0.2.9'] }
console: { port: 0 }
limits: {}
localAnswers: { cache: off }
providers:
  - { name: one, dialect: openai, url: '${first.url}', key: 'env:ONE', spareKeys: ['env:SPARE'] }
  - { name: two, dialect: openai, url: '${second.url}' }
`,
);
const env = { ONE: 'the-first-key', SPARE: 'the-spare-key' };
// The check of a configuration looks where the instance's own secrets are.
Object.assign(process.env, env);
let actions: readonly Action[] = [];
const app = await startApp({
  config: loadConfig({ file, asked: true, env }),
  configFile: file,
  loadAnew: () => loadConfig({ file, asked: true, env }),
  data: join(dir, 'data'),
  lang: 'en',
  openLog: () => createLog('silent'),
  signal: new AbortController().signal,
  respondWith: (list) => {
    actions = list;
    return list;
  },
});
after(async () => {
  await app.close();
  await Promise.all([first.close(), second.close()]);
  rmSync(dir, { recursive: true, force: true });
});
const key = app.firstRun?.apiKey ?? '';
const keyId = key.split('_').slice(0, 2).join('_');

async function ask(path = '/v1/chat/completions'): Promise<{ status: number; text: string; headers: Headers }> {
  const chat = path.startsWith('/chat');
  const answer = await fetch(app.gatewayUrl + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify(chat ? { message: 'hello' } : { model: 'm', messages: [{ role: 'user', content: 'hello' }] }),
  });
  return { status: answer.status, text: await answer.text(), headers: answer.headers };
}

let steps = 0;
/** The action from its plan to its outcome; what it hands back takes it back. */
async function act(name: string, args: JsonObject): Promise<() => Promise<void>> {
  const action = actions.find((one) => one.name === name);
  assert(action !== undefined, `no action ${name}`);
  const context: ActionContext = {
    incident: 'INC-20260310-120000',
    run: 'run_1',
    idempotencyKey: `step-${++steps}`,
    now: Date.now,
    signal: new AbortController().signal,
    outArgs: [],
  };
  const read = action.args.parse(args);
  const { before } = await action.plan(read, context);
  assert.equal((await action.probe(read, context, before)).state, 'not-done', name);
  await action.act(read, context, before);
  assert.equal((await action.probe(read, context, before)).state, 'done', name);
  return async () => {
    await action.undo?.(read, context, before);
    await action.undo?.(read, context, before);
  };
}

test('keys.suspend closes every door to that key, and undo opens them', async () => {
  assert.equal((await ask()).status, 200);
  const undo = await act('keys.suspend', { key: keyId });
  const refused = await ask();
  assert.equal(refused.status, 403);
  assert.match(refused.text, /ERR_KEY_SUSPENDED/);
  assert.equal((await ask('/chat')).status, 403);
  await undo();
  assert.equal((await ask()).status, 200);
  assert.equal((await ask('/chat')).status, 200);
});

test('sessions.quarantine shuts a subject out of the gateway and of its conversations, and sessions.restart lets it in', async () => {
  await act('sessions.quarantine', { subject: keyId });
  assert.match((await ask()).text, /ERR_SESSION_SHUT_OUT/);
  assert.match((await ask('/chat')).text, /ERR_SESSION_SHUT_OUT/);
  const undo = await act('sessions.restart', { subject: keyId });
  assert.equal((await ask()).status, 200);
  await undo();
  assert.equal((await ask()).status, 403);
  await act('sessions.restart', { subject: keyId });
});

test('sources.block has nothing heard from that address, and undo lets it be heard', async () => {
  const undo = await act('sources.block', { source: '127.0.0.1' });
  const refused = await ask();
  assert.equal(refused.status, 403);
  assert.match(refused.text, /ERR_SOURCE_BLOCKED/);
  await undo();
  assert.equal((await ask()).status, 200);
});

test('sources.block refuses the address of a proxy that all users come through', async () => {
  await assert.rejects(act('sources.block', { source: '192.0.2.9' }), { code: 'ERR_ACTION_PROTECTED' });
});

test('providers.suspend stops calls to it at once: the next provider answers, and undo brings it back', async () => {
  const before = first.bodies.length;
  const undo = await act('providers.suspend', { provider: 'one' });
  assert.match((await ask()).text, /from the second/);
  assert.equal(first.bodies.length, before);
  const undoSecond = await act('providers.suspend', { provider: 'two' });
  const refused = await ask();
  assert.equal(refused.status, 503);
  assert.equal(refused.headers.get('retry-after'), '60');
  await undoSecond();
  await undo();
  assert.match((await ask()).text, /from the first/);
});

test('providers.use-spare passes over the first key, and undo takes it up again', async () => {
  await ask();
  assert.equal(first.ledger.at(-1), 'Bearer the-first-key');
  const undo = await act('providers.use-spare', { provider: 'one' });
  await ask();
  assert.equal(first.ledger.at(-1), 'Bearer the-spare-key');
  await undo();
  await ask();
  assert.equal(first.ledger.at(-1), 'Bearer the-first-key');
  await assert.rejects(act('providers.use-spare', { provider: 'two' }), { code: 'ERR_PROVIDER_NO_SPARE' });
  await assert.rejects(act('providers.suspend', { provider: 'three' }), { code: 'ERR_PROVIDER_UNKNOWN' });
});

test('mode.switch safe asks no model: the gateway says when to come back, the chatbot answers within its limits', async () => {
  const before = [first.bodies.length, second.bodies.length];
  const undo = await act('mode.switch', { mode: 'safe', on: true, forMinutes: 5 });
  const refused = await ask();
  assert.equal(refused.status, 503);
  assert.match(refused.text, /ERR_SAFE_MODE/);
  assert(Number(refused.headers.get('retry-after')) > 200);
  const chat = await ask('/chat');
  assert.equal(chat.status, 200);
  assert.match(chat.headers.get('x-rempart-degraded') ?? '', /local|cache/);
  assert.deepEqual([first.bodies.length, second.bodies.length], before);
  await undo();
  assert.match((await ask()).text, /from the first/);
});

test('limits.tighten lowers every limit, and undo gives the rest back', async () => {
  const limitOf = async () => Number((await ask()).headers.get('x-ratelimit-limit-requests'));
  const usual = await limitOf();
  assert(usual > 0);
  const undo = await act('limits.tighten', { factor: 0.5 });
  assert.equal(await limitOf(), Math.floor(usual / 2));
  await undo();
  assert.equal(await limitOf(), usual);
});

test('keys.revoke is for good', async () => {
  await act('keys.revoke', { key: keyId });
  assert.equal((await ask()).status, 401);
  await assert.rejects(act('keys.revoke', { key: 'rmp_nobody' }), { code: 'ERR_KEY_UNKNOWN' });
});

test('config.restore-signed puts the configuration back as it was before, in force at once, and undo takes it away again', async () => {
  const whole = readFileSync(file, 'utf8');
  const signed = join(dir, 'data/backups/.configuration/manifests');
  await until(() => existsSync(signed));
  writeFileSync(file, `${whole}lang: fr\n`);
  const undo = await act('config.restore-signed', {});
  assert.equal(readFileSync(file, 'utf8'), whole);
  await undo();
  assert.equal(readFileSync(file, 'utf8'), `${whole}lang: fr\n`);
  writeFileSync(file, whole);
});
