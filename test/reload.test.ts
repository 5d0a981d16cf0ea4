// A running instance reads its configuration anew, on SIGHUP and from the console: whole or not at all, and nobody under way notices.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { readdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { exportJWK, SignJWT } from 'jose';
import {
  answering,
  type Behaviour,
  beginSse,
  chunk,
  json,
  lastChunk,
  startUpstream,
  type Upstream,
} from './gateway-rig.ts';
import { type Instance, makePlace, startInstance, until } from './instance.ts';

const place = makePlace();
const file = join(place.dir, 'rempart.yaml');
let slow: Upstream;
let quick: Upstream;
let refusing: Upstream;
let instance: Instance;
let finish = () => {};
const env = { KEY_A: 'key-a-of-the-test', KEY_B: 'key-b-of-the-test', UP: 'upstream-key', SPARE: 'spare-key' };

const access = (...keys: string[]) =>
  `access: {keys: [${keys.map((key) => `{key: "env:${key}", subject: tester}`).join(', ')}]}`;
const provider = (name: string, url: string, more = '') =>
  `providers: [{name: ${name}, dialect: openai, url: "${url}"${more}}]`;
const put = (...lines: string[]) => writeFileSync(file, `${lines.join('\n')}\n`);

before(async () => {
  slow = await startUpstream((_req, res) => {
    beginSse(res);
    res.write(chunk('slowly'));
    finish = () => res.end(lastChunk);
  });
  quick = await startUpstream(answering('quick'));
  const refuse: Behaviour = (req, res) =>
    req.headers.authorization === 'Bearer upstream-key'
      ? json(res, 401, { error: { message: 'no' } })
      : answering('spare')(req, res, '{}', 0);
  refusing = await startUpstream(refuse, refuse);
  put(provider('first', slow.url), access('KEY_A'), 'screening: {behaviour: {mode: "off"}}');
  instance = await startInstance([], { cwd: place.dir, env });
});
after(async () => {
  await instance.stop();
  for (const upstream of [slow, quick, refusing]) await upstream.close();
  place.remove();
});

const ask = (key: string, stream = false) =>
  fetch(`${instance.gatewayUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'm', stream, messages: [{ role: 'user', content: 'hello' }] }),
  });

/** The journal's records of reloads by SIGHUP so far: one from the console may come to disk after its answer, and is nobody's here. */
function noted(): { status_id: number; status_code?: string; unmapped: Record<string, unknown> }[] {
  const folder = join(place.dir, '.rempart', 'journal', 'gateway');
  return readdirSync(folder)
    .flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n').slice(0, -1))
    .filter((line) => line.includes('"phase":"reload"') && line.includes('"by":"SIGHUP"'))
    .map((line) => (JSON.parse(line) as { event: ReturnType<typeof noted>[number] }).event);
}

async function hangup(): Promise<ReturnType<typeof noted>[number]> {
  const count = noted().length;
  instance.child.kill('SIGHUP');
  await until(() => noted().length > count);
  return noted().at(-1)!;
}

test('SIGHUP gives new requests the new provider and keys, and lets those under way end with the old ones', async () => {
  const underWay = await ask(env.KEY_A, true);
  const reader = underWay.body!.getReader();
  const first = Buffer.from((await reader.read()).value!).toString();
  assert.match(first, /chat\.completion\.chunk/);

  put(provider('second', quick.url), access('KEY_B'), 'log: warn');
  const { status_id, unmapped } = await hangup();
  assert.equal(status_id, 1);
  assert.deepEqual(unmapped['needsRestart'], []);
  const changed = unmapped['changed'] as string[];
  for (const path of ['access.keys', 'log', 'providers']) assert.ok(changed.includes(path), path);

  assert.match(await (await ask(env.KEY_B)).text(), /quick/);
  assert.equal((await ask(env.KEY_A)).status, 401);
  finish();
  let rest = '';
  for (let piece = await reader.read(); !piece.done; piece = await reader.read())
    rest += Buffer.from(piece.value).toString();
  assert.match(rest, /slowly[\s\S]*\[DONE\]/);
  assert.doesNotMatch(rest, /error/);
});

test('SIGHUP refuses a bad file whole: log and journal say why, and everything is as before', async () => {
  const cases: [string, string][] = [
    ['gatway: {}', 'ERR_CONFIG_UNKNOWN_KEY'],
    ['providers: [{name: x, dialect: openai, url: "ftp://x"}]', 'ERR_CONFIG_INVALID'],
    ['access: {keys: [{key: "env:NOT_SET", subject: t}]}', 'ERR_SECRET_MISSING'],
    ['a: [', 'ERR_CONFIG_UNREADABLE'],
  ];
  for (const [text, code] of cases) {
    put(text, 'log: debug');
    const { status_id, status_code } = await hangup();
    assert.deepEqual([status_id, status_code], [2, code]);
    assert.match(await (await ask(env.KEY_B)).text(), /quick/);
  }
  unlinkSync(file);
  assert.equal((await hangup()).status_code, 'ERR_CONFIG_UNREADABLE');
  assert.match(await (await ask(env.KEY_B)).text(), /quick/);
  const lines = () =>
    instance
      .stderr()
      .split('\n')
      .filter((line) => line.includes('is refused; the one before still holds'));
  await until(() => lines().length >= 5);
  assert.equal(lines().length, 5);
  assert.doesNotMatch(lines().join(''), /ftp:|NOT_SET/);
});

test('POST /api/reload is for admins, says what changed and what waits for a restart, and shows a mistake as 422', async () => {
  const call = (path: string, cookie = '', body: object = {}) =>
    fetch(`${instance.consoleUrl}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', cookie, 'accept-language': 'fr' },
      body: JSON.stringify(body),
    });
  assert.equal((await call('/api/reload')).status, 401);
  const login = await call('/api/login', '', { password: instance.password });
  const cookie = login.headers.getSetCookie()[0]!.split(';')[0]!;
  put(provider('second', quick.url), access('KEY_B'), 'chatbot: {model: other}', 'metrics: {bareNames: true}');
  const done = (await (await call('/api/reload', cookie)).json()) as { changed: string[]; needsRestart: string[] };
  assert.deepEqual(done.needsRestart, ['chatbot']);
  assert.ok(done.changed.includes('metrics.bareNames') && !done.changed.some((path) => path.startsWith('chatbot')));
  assert.match(await (await fetch(`${instance.consoleUrl}/metrics`)).text(), /^# HELP suspicious_prompts_total/m);

  put('metrics: {bareName: true}');
  const refused = await call('/api/reload', cookie);
  assert.equal(refused.status, 422);
  const { error } = (await refused.json()) as { error: { code: string; message: string } };
  assert.equal(error.code, 'ERR_CONFIG_UNKNOWN_KEY');
  assert.match(error.message, /metrics\.bareName/);
});

test('SIGHUP bounds the bodies of questions to the chatbot as those of calls to models, and says what it leaves as it was', async () => {
  const respond = (enabled: string) => `respond: {actions: {enabled: [${enabled}]}}`;
  const bodies = (most: number) => `gateway: {maxBodyBytes: ${most}}`;
  const statusAt = async (path: string, body: object) =>
    (
      await fetch(`${instance.gatewayUrl}${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${env.KEY_B}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
    ).status;
  const content = 'What is a rampart, and what was it for? '.repeat(60);
  const statuses = async () => [
    await statusAt('/v1/chat/completions', { model: 'm', messages: [{ role: 'user', content }] }),
    await statusAt('/chat', { message: content }),
  ];
  put(provider('second', quick.url), access('KEY_B'), bodies(100_000), respond(''));
  await hangup();
  assert.deepEqual(await statuses(), [200, 200]);

  put(provider('second', quick.url), access('KEY_B'), bodies(2_000), respond('"containers.*"'));
  const { unmapped } = await hangup();
  assert.deepEqual(await statuses(), [413, 413]);
  // What may be done was handed out at the start: who believed that a reload takes it back would be wrong.
  assert.deepEqual([unmapped['changed'], unmapped['needsRestart']], [['gateway.maxBodyBytes'], ['respond']]);
});

test('SIGHUP keeps the keys of an issuer of tokens that is away at that moment', async () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const key = { ...(await exportJWK(publicKey)), kid: 'a', alg: 'EdDSA', use: 'sig' };
  let isAway = false;
  const issuer = await startUpstream(answering(''), (_req, res) => json(res, isAway ? 503 : 200, { keys: [key] }));
  const tokens = `tokens: [{issuer: "https://id.test", audience: rempart, jwks: "${issuer.url}/v1/models"}]`;
  const lines = [provider('second', quick.url), `access: {${tokens}}`];
  const token = await new SignJWT({ sub: 'ada' })
    .setProtectedHeader({ alg: 'EdDSA', kid: 'a' })
    .setIssuer('https://id.test')
    .setAudience('rempart')
    .setIssuedAt()
    .setExpirationTime('10m')
    .sign(privateKey);
  put(...lines);
  await hangup();
  assert.equal((await ask(token)).status, 200);
  isAway = true;
  put(...lines, 'log: warn');
  await hangup();
  assert.equal((await ask(token)).status, 200);
  await issuer.close();
});

test('SIGHUP keeps a refused provider key refused while its provider stays as it is', async () => {
  const same = [provider('third', refusing.url, ', key: "env:UP", spareKeys: ["env:SPARE"]'), access('KEY_B')];
  put(...same);
  assert.equal((await hangup()).status_id, 1);
  assert.equal((await ask(env.KEY_B)).status, 200);
  const uses = () => refusing.ledger.filter((authorization) => authorization === 'Bearer upstream-key').length;
  assert.ok(uses() >= 1);
  for (let round = 0; round < 4; round++) {
    put(...same, `metrics: {bareNames: ${round % 2 === 0}}`);
    assert.equal((await hangup()).status_id, 1);
    assert.equal((await ask(env.KEY_B)).status, 200);
  }
  // However long this took: after three uses a refused key is asked no more. Reloads that forgot would have made it five.
  assert.ok(uses() <= 3, `asked ${uses()} times`);
});
