// The whole program, started as a user starts it: what it prints, what it answers, what survives.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type Instance, makePlace, run, start, startInstance, until } from './instance.ts';

const place = makePlace();
after(place.remove);
const cwd = place.dir;

interface Answered {
  status: number;
  headers: Headers;
  body: Record<string, unknown>;
}

interface Call {
  key?: string;
  method?: string;
  body?: unknown;
  headers?: Record<string, string>;
}

async function call(url: string, { key, method, body, headers }: Call = {}): Promise<Answered> {
  const response = await fetch(url, {
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    headers: {
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>,
  };
}

async function texts({ gatewayUrl }: Instance, key: string, conversation: string): Promise<string[]> {
  const { body } = await call(`${gatewayUrl}/chat/conversations/${conversation}`, { key });
  return (body['messages'] as { role: string; text: string }[])
    .filter(({ role }) => role === 'user')
    .map(({ text }) => text);
}

async function makeKey(data: string, subject: string, role = 'user'): Promise<string> {
  const made = await run(['keys', 'create', '--subject', subject, '--role', role, '--json', '--data', data], { cwd });
  return (JSON.parse(made.stdout) as { key: string }).key;
}

test('up prints the addresses, and the password and key at the first start only; Ctrl-C ends it with 0', async () => {
  const args = ['up', '--port', '0', '--console-port', '0', '--data', 'first', '--lang', 'fr'];
  for (const first of [true, false]) {
    const running = start(args, { cwd });
    await until(() => running.stdout().includes('doublure') && (!first || running.stdout().includes('curl')));
    assert.match(
      running.stdout(),
      /Passerelle et chatbot {2}http:\/\/127\.0\.0\.1:\d+\n {2}Console +http:\/\/127\.0\.0\.1:\d+/,
    );
    assert.equal(/Mot de passe d'administration {2,}[a-z0-9-]{23}\n/.test(running.stdout()), first);
    assert.equal(/Clé d'API {2,}rmp_\S+\n/.test(running.stdout()), first);
    running.child.kill('SIGINT');
    const { code, stderr } = await running.ended;
    assert.equal(code, 0, stderr);
    assert.match(stderr, /Rempart est arrêté ; tout est enregistré\./);
  }
});

test('up on a busy port says which port and which flag, and leaves nothing running', async () => {
  const other = createServer();
  other.listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  for (const [flag, free] of [
    ['--port', '--console-port'],
    ['--console-port', '--port'],
  ] as const) {
    const { code, stderr } = await run(['up', flag, String(port), free, '0', '--data', 'busy'], { cwd });
    assert.equal(
      stderr.split('\n').filter((line) => !line.startsWith('{'))[0],
      `Port ${port} on 127.0.0.1 is already in use (ERR_PORT_BUSY). Stop the program that uses it, or choose another one with ${flag}.`,
    );
    assert.equal(code, 3);
  }
  other.close();
});

test('up answers chat, keeps history, repeats no request with the same id, and shows nobody another one’s words', async () => {
  const app = await startInstance(['--data', 'chat'], { cwd });
  const chat = `${app.gatewayUrl}/chat`;
  const alice = app.apiKey ?? '';
  const bob = await makeKey('chat', 'bob');

  const asked = { message: 'What is a rampart?', id: 'request-1' };
  const first = await call(chat, { key: alice, body: asked });
  assert.equal(first.status, 200);
  assert.match(String(first.body['reply']), /stand-in/i);
  assert.equal(first.body['degraded'], undefined);
  const conversation = String(first.body['conversation']);
  const again = await call(chat, { key: alice, body: asked });
  assert.deepEqual(again.body, first.body);
  const byHeader = {
    key: alice,
    body: { message: 'And a moat?', conversation },
    headers: { 'idempotency-key': 'request-2' },
  };
  const [one, two] = await Promise.all([call(chat, byHeader), call(chat, byHeader)]);
  assert.deepEqual(one.body, two.body);
  assert.deepEqual(await texts(app, alice, conversation), ['What is a rampart?', 'And a moat?']);

  const stream = await fetch(chat, {
    method: 'POST',
    headers: { authorization: `Bearer ${alice}`, accept: 'text/event-stream', 'content-type': 'application/json' },
    body: JSON.stringify({ message: 'Streamed?', conversation }),
  });
  const events = (await stream.text()).trimEnd().split('\n\n');
  const deltas = events
    .slice(0, -1)
    .map((event) => (JSON.parse(event.split('data: ')[1] ?? '') as { text: string }).text);
  const done = JSON.parse(events.at(-1)?.replace(/^event: done\ndata: /, '') ?? '') as { reply: string };
  assert.ok(deltas.length > 3, 'the answer came in pieces');
  assert.equal(deltas.join(''), done.reply);

  const foreign = `${chat}/conversations/${conversation}`;
  for (const method of ['GET', 'DELETE']) assert.equal((await call(foreign, { key: bob, method })).status, 404);
  const intrusion = await call(chat, { key: bob, body: { message: 'mine now?', conversation } });
  assert.equal(intrusion.status, 404);
  assert.deepEqual((await call(`${chat}/conversations`, { key: bob })).body, { conversations: [] });
  assert.equal((await call(foreign)).status, 401);

  const settings = { lang: 'fr', answers: 'short' };
  assert.deepEqual((await call(`${chat}/settings`, { key: alice, method: 'PUT', body: settings })).body, settings);
  assert.deepEqual((await call(`${chat}/settings`, { key: alice })).body, settings);
  assert.match(String((await call(foreign.replace(conversation, 'none'), { key: alice })).body['error']), /./);
  const { token } = (await call(`${chat}/login`, { body: { password: app.password } })).body;
  assert.deepEqual((await call(`${chat}/conversations`, { key: String(token) })).body, { conversations: [] });
  assert.equal((await call(`${chat}/login`, { body: { password: 'wrong' } })).status, 401);

  assert.equal((await call(foreign, { key: alice, method: 'DELETE' })).status, 204);
  assert.equal((await call(foreign, { key: alice })).status, 404);
  assert.equal((await run(['journal', 'verify', '--data', 'chat'], { cwd })).code, 0);
  assert.equal((await app.stop()).code, 0);
});

/** The database's files damaged in place, as a failing disk does, and mended again. */
function damage(database: string): () => void {
  const files = ['', '-wal', '-shm'].map((ending) => ({
    path: `${database}${ending}`,
    bytes: readFileSync(`${database}${ending}`),
  }));
  for (const { path, bytes } of files) writeFileSync(path, Buffer.alloc(bytes.length, 0x5a), { flag: 'r+' });
  return () => {
    for (const { path, bytes } of files) writeFileSync(path, bytes, { flag: 'r+' });
  };
}

test('up keeps every acknowledged message in order, once, when the store goes away and the process is killed meanwhile', async () => {
  const alerts: { type: string }[] = [];
  const webhook = await listenForAlerts(alerts);
  const database = join(cwd, 'killed.sqlite');
  writeFileSync(
    join(cwd, 'killed.yaml'),
    `store: { path: '${database}' }\nalerts: { webhook: 'http://127.0.0.1:${webhook.port}/' }\n`,
  );
  const args = ['--data', 'killed', '--config', 'killed.yaml'];
  let app = await startInstance(args, { cwd });
  const key = app.apiKey ?? '';
  const say = (message: string, conversation?: string) =>
    call(`${app.gatewayUrl}/chat`, {
      key,
      body: { message, conversation, id: message },
      headers: { 'accept-language': 'fr' },
    });
  const before = await say('message 1');
  const conversation = String(before.body['conversation']);
  const sent = ['message 1', 'message 2'];
  await say('message 2', conversation);

  const mend = damage(database);
  await until(async () => (await call(`${app.gatewayUrl}/health`)).body['store'] === 'away');
  const during = await say('message 3', conversation);
  assert.equal(during.status, 200);
  assert.deepEqual(during.body['degraded'], {
    mode: 'memory',
    notice:
      'Votre historique est momentanément inaccessible : vos messages sont gardés en lieu sûr et y seront enregistrés d\u0027eux-mêmes d\u0027ici quelques minutes, dès son retour. Vous pouvez continuer.',
    saved: false,
  });
  assert.equal(during.headers.get('x-rempart-degraded'), 'memory');
  const fresh = await say('a new conversation');
  assert.equal(fresh.status, 200);
  sent.push('message 3');
  assert.deepEqual(await texts(app, key, conversation), sent);
  await until(() => alerts.some(({ type }) => type === 'database-down'));

  app.child.kill('SIGKILL');
  await app.ended;
  app = await startInstance(args, { cwd });
  assert.equal((await say('message 4', conversation)).status, 200, 'keys work from their copy');
  sent.push('message 4');
  app.child.kill('SIGKILL');
  await app.ended;
  mend();
  app = await startInstance(args, { cwd });
  await say('message 5', conversation);
  sent.push('message 5');
  await until(async () => (await texts(app, key, conversation)).length >= sent.length);
  assert.deepEqual(await texts(app, key, conversation), sent);
  const repeated = await say('message 3', conversation);
  assert.equal(repeated.body['reply'], during.body['reply']);
  assert.deepEqual(await texts(app, key, conversation), sent);
  assert.deepEqual(await texts(app, key, String(fresh.body['conversation'])), ['a new conversation']);
  await until(() => readFileSync(join(cwd, 'killed', 'spool', 'chat.jsonl'), 'utf8') === '');
  await app.stop();
  webhook.server.close();
});

test('up gives an honest limited answer when no provider can be reached and alerts; nothing of the provider leaks', async () => {
  const alerts: { type: string; message: { fr: string } }[] = [];
  const webhook = await listenForAlerts(alerts);
  writeFileSync(
    join(cwd, 'away.yaml'),
    [
      'providers: [{ name: main, dialect: openai, url: "http://127.0.0.1:9", key: "env:LLM_KEY" }]',
      'gateway: { retries: { max: 1, baseMs: 20 } }',
      'chatbot: { contact: "Camille, poste 12" }',
      `alerts: { webhook: 'http://127.0.0.1:${webhook.port}/' }`,
    ].join('\n'),
  );
  const app = await startInstance(['--data', 'away', '--config', 'away.yaml'], {
    cwd,
    env: { LLM_KEY: 'sk-canary-123' },
  });
  const asked = { key: app.apiKey ?? '', body: { message: 'Bonjour ?' }, headers: { 'accept-language': 'fr' } };
  const { status, headers, body } = await call(`${app.gatewayUrl}/chat`, asked);
  assert.equal(status, 200);
  const { mode, notice, saved } = body['degraded'] as Record<string, unknown>;
  assert.deepEqual([mode, saved], ['local', true]);
  assert.match(
    String(notice),
    /^L'assistant est temporairement indisponible\. Votre message est conservé\. Merci de réessayer dans \d+ secondes\. Si cela persiste, contactez Camille, poste 12\.$/,
  );
  assert.equal(body['reply'], notice);
  assert.equal(headers.get('x-rempart-degraded'), 'local');
  assert.ok(Number(headers.get('retry-after')) > 0);
  assert.notEqual((await call(`${app.gatewayUrl}/health`)).body['assistant'], 'ok');
  const ready = await call(`${app.consoleUrl}/readyz`);
  assert.deepEqual([ready.status, ready.body['status']], [200, 'degraded']);
  await until(() => alerts.length > 0);
  const { code, stdout, stderr } = await app.stop();
  assert.equal(code, 0);
  for (const secret of ['sk-canary-123', '127.0.0.1:9/', 'Bonjour ?'])
    assert.ok(
      !`${stdout}${stderr}${JSON.stringify(alerts)}${JSON.stringify(body)}`.includes(secret),
      `${secret} leaked`,
    );
  webhook.server.close();
});

async function listenForAlerts(into: object[]): Promise<{ server: Server; port: number }> {
  const server = createServer((req, res) => {
    let text = '';
    req.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8');
    });
    req.on('end', () => {
      into.push(JSON.parse(text) as object);
      res.end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  server.unref();
  return { server, port: (server.address() as AddressInfo).port };
}
