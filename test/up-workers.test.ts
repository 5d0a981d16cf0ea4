// Several worker threads at one port: together they are one gateway, in what they count, know, write down and are told.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type IncomingHttpHeaders, request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { answering, json, startUpstream, type Upstream } from './gateway-rig.ts';
import { type Instance, makePlace, run, startInstance, until } from './instance.ts';

const place = makePlace();
const file = join(place.dir, 'rempart.yaml');
const env = {
  NODE_OPTIONS: `--import ${join(import.meta.dirname, 'worker-crash.ts')}`,
  TEST_POISON: 'poisoned',
  LIMITED: 'key-of-the-limited-user',
  FREE: 'key-of-the-other-user',
  UP: 'upstream-key',
  SPARE: 'spare-key',
};
let upstream: Upstream;
let refusing: Upstream;
let failing: Upstream;
let instance: Instance;

const provider = (name: string, url: string, more = '') =>
  `providers: [{name: ${name}, dialect: openai, url: "${url}", key: "env:UP"${more}}]`;

function put(...lines: string[]): void {
  const settings = [
    'access: {keys: [{key: "env:LIMITED", subject: ada}, {key: "env:FREE", subject: bob}]}',
    'limits: {rules: [{per: user, every: hour, requests: 50, users: [ada]}, {every: day, requests: 100000}], sources: {requests: 100000}}',
    'screening: {behaviour: {mode: "off"}}',
    'gateway: {workers: 4, retries: {max: 0}, breaker: {failures: 5, halfOpenMs: 60000}}',
    'localAnswers: {cache: "off", static: "off"}',
  ];
  writeFileSync(file, `${[...lines, ...settings].join('\n')}\n`);
}

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

/** Each on a connection of its own, so that the system spreads them over the workers. */
function ask(key: string, { text = 'hello', path = '/v1/chat/completions' } = {}): Promise<Answer> {
  const body = JSON.stringify({ model: 'm', messages: [{ role: 'user', content: text }] });
  return new Promise((resolve, reject) => {
    const sent = request(`${instance.gatewayUrl}${path}`, {
      method: 'POST',
      agent: false,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    });
    sent.on('error', reject);
    sent.on('response', (res) => {
      let answer = '';
      res.on('data', (piece) => {
        answer += piece;
      });
      res.on('end', () => resolve({ status: res.statusCode ?? 0, headers: res.headers, text: answer }));
      res.on('error', reject);
    });
    sent.end(body);
  });
}
const several = (count: number, work: () => Promise<Answer>) => Promise.all(Array.from({ length: count }, work));
const workersOf = (answers: readonly Answer[]) => new Set(answers.map(({ headers }) => headers['x-test-worker']));
const statuses = (answers: readonly Answer[]) => [...new Set(answers.map(({ status }) => status))].sort();

/** Until each of the workers has answered one. */
async function byEach(work: () => Promise<Answer>): Promise<Answer[]> {
  const answers: Answer[] = [];
  while (workersOf(answers).size < 4) {
    assert.ok(answers.length < 400, 'the system spreads connections over all workers');
    answers.push(...(await several(8, work)));
  }
  return answers;
}

function journalled(): string[] {
  const folder = join(place.dir, '.rempart', 'journal', 'gateway');
  return readdirSync(folder).flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n'));
}
const reloads = () => journalled().filter((line) => line.includes('"phase":"reload"'));
async function hangup(): Promise<string> {
  const count = reloads().length;
  instance.child.kill('SIGHUP');
  await until(() => reloads().length > count);
  return reloads().at(-1) ?? '';
}
const metrics = async () => (await fetch(`${instance.consoleUrl}/metrics`)).text();
function numberAt(text: string, series: string): number {
  const line = text.split('\n').find((one) => one.startsWith(series));
  return line === undefined ? 0 : Number(line.slice(series.length));
}

before(async () => {
  upstream = await startUpstream(answering('hello'));
  refusing = await startUpstream((req, res, body, nth) =>
    req.headers.authorization === 'Bearer upstream-key'
      ? json(res, 401, { error: { message: 'no' } })
      : answering('spare')(req, res, body, nth),
  );
  failing = await startUpstream((_req, res) => json(res, 500, { error: { message: 'broken' } }));
  put(provider('up', upstream.url));
  instance = await startInstance([], { cwd: place.dir, env, withinMs: 90_000 });
});
after(async () => {
  await instance.stop();
  for (const one of [upstream, refusing, failing]) await one.close();
  place.remove();
});

test('up --workers lets exactly as many requests through as the limit says, out of ten times as many at once', async () => {
  const answers: Answer[] = [];
  for (let round = 0; round < 5; round++) answers.push(...(await several(100, () => ask(env.LIMITED))));
  const by = (status: number) => answers.filter((answer) => answer.status === status).length;
  assert.deepEqual([by(200), by(429)], [50, 450]);
  assert.equal(upstream.bodies.length, 50);
  assert.equal(workersOf(answers).size, 4, 'all workers had some of them');
  assert.ok(workersOf(answers.filter(({ status }) => status === 200)).size > 1);
  const text = await metrics();
  const asked = 'rempart_gateway_request_duration_seconds';
  assert.equal(numberAt(text, `${asked}_count{dialect="openai",outcome="answered"} `), 50);
  assert.equal(
    numberAt(text, 'rempart_gateway_request_duration_seconds_bucket{le="+Inf",dialect="openai",outcome="answered"} '),
    50,
  );
  assert.equal(numberAt(text, 'rempart_rate_limit_exceeded_total{scope="user"} '), 450);
  assert.equal(numberAt(text, 'rempart_gateway_workers{state="serving"} '), 4);
  // What a restart begins with: a row says what was counted of a window, of all workers together.
  const kept = () =>
    readFileSync(join(place.dir, '.rempart', 'limits.jsonl'), 'utf8')
      .split('\n')
      .some((line) => line !== '' && (JSON.parse(line) as unknown[])[4] === 50);
  await until(kept);
});

test('up --workers takes no port that another instance has workers at', async () => {
  const other = makePlace();
  const second = await run(
    ['up', '--workers', '2', '--port', new URL(instance.gatewayUrl).port, '--console-port', '0'],
    { cwd: other.dir },
  );
  other.remove();
  assert.equal(second.code, 3);
  assert.match(second.stderr, /ERR_PORT_BUSY/);
});

test('up --workers has each request in the journal before its answer begins, in one chain that holds', async () => {
  const answers = await several(60, async () => {
    const answer = await ask(env.FREE);
    const id = String(answer.headers['x-request-id']);
    assert.ok(
      journalled().some((line) => line.includes(id) && line.includes('"phase":"received"')),
      'on disk by then',
    );
    return answer;
  });
  assert.deepEqual(statuses(answers), [200]);
  const verified = await run(['journal', 'verify'], { cwd: place.dir });
  assert.equal(verified.code, 0, verified.stdout + verified.stderr);
});

test('up --workers lets a key in on every worker as soon as it is made, and on none once it is revoked', async () => {
  const made = await run(['keys', 'create', '--subject', 'eve', '--json'], { cwd: place.dir });
  const { key, id } = JSON.parse(made.stdout) as { key: string; id: string };
  assert.deepEqual(statuses(await byEach(() => ask(key))), [200]);
  const revoked = await run(['keys', 'revoke', id], { cwd: place.dir });
  assert.equal(revoked.code, 0, revoked.stderr);
  const refused = await byEach(() => ask(key));
  // Whoever goes on with a key that opens nothing is slowed down at last: by all workers together, too.
  assert.ok(
    refused.every(({ status }) => status === 401 || status === 429),
    String(statuses(refused)),
  );
  assert.ok(refused.filter(({ status }) => status === 401).length <= 10 + 8);
});

test('up --workers closes and opens all workers when a mode is switched', async () => {
  await run(['mode', 'lockdown', 'on'], { cwd: place.dir });
  const closed = await byEach(() => ask(env.FREE));
  await run(['mode', 'lockdown', 'off'], { cwd: place.dir });
  const open = await byEach(() => ask(env.FREE));
  assert.deepEqual([statuses(closed), statuses(open)], [[503], [200]]);
});

test('up --workers answers the chatbot, lists and health through any worker', async () => {
  const chats = await byEach(() => ask(env.FREE, { path: '/chat' }).then((answer) => answer));
  assert.deepEqual(statuses(chats), [400]);
  for (let nth = 0; nth < 8; nth++) {
    const chat = await fetch(`${instance.gatewayUrl}/chat`, {
      method: 'POST',
      headers: { authorization: `Bearer ${env.FREE}`, 'content-type': 'application/json', connection: 'close' },
      body: JSON.stringify({ message: 'bonjour' }),
    });
    assert.equal(((await chat.json()) as { reply: string }).reply, 'hello');
    const models = await fetch(`${instance.gatewayUrl}/v1/models`, {
      headers: { authorization: `Bearer ${env.FREE}`, connection: 'close' },
    });
    assert.equal(models.status, 200);
    const health = await fetch(`${instance.gatewayUrl}/health`, { headers: { connection: 'close' } });
    assert.equal(((await health.json()) as { store: string }).store, 'ok');
  }
});

test('up --workers asks no body of a request that is refused for its headers, wherever it is answered', async () => {
  const port = Number(new URL(instance.gatewayUrl).port);
  const body = { '/chat': { message: 'bonjour' }, '/v1/chat/completions': { model: 'm', messages: [] } };
  const send = async (path: keyof typeof body, more: string) => {
    const text = JSON.stringify(body[path]);
    const socket = connect(port, '127.0.0.1');
    socket.write(
      `POST ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n${more}` +
        `expect: 100-continue\r\ncontent-length: ${text.length}\r\n\r\n`,
    );
    let answer = '';
    socket.on('data', (piece: Buffer) => {
      answer += piece.toString('latin1');
      if (answer === 'HTTP/1.1 100 Continue\r\n\r\n') socket.write(text);
    });
    await once(socket, 'close');
    return answer.match(/(?<=^HTTP\/1\.1 )\d+/gm);
  };
  for (const path of ['/chat', '/v1/chat/completions'] as const) {
    assert.deepEqual(await send(path, ''), ['401'], path);
    const [first] = (await send(path, `authorization: Bearer ${env.FREE}\r\n`)) ?? [];
    assert.equal(first, '100', path);
  }
});

test('SIGHUP gives every worker the new configuration at once, and none of them one that any cannot take', async () => {
  put(provider('up', refusing.url, ', spareKeys: ["env:SPARE"]'));
  assert.match(await hangup(), /"status_id":1/);
  assert.equal((await ask(env.FREE)).status, 200);
  const answers = await byEach(() => ask(env.FREE));
  assert.deepEqual(statuses(answers), [200]);
  assert.ok(answers.every(({ text }) => text.includes('spare')));
  // Whoever met it first told all others, and one thread looks now and then whether it is good again.
  const uses = refusing.ledger.filter((auth) => auth === 'Bearer upstream-key').length;
  assert.ok(uses >= 1 && uses <= 3, `a refused key was used ${uses} times`);
  put('lang: klingon', provider('up', upstream.url));
  assert.match(await hangup(), /ERR_CONFIG_INVALID/);
  assert.ok((await byEach(() => ask(env.FREE))).every(({ text }) => text.includes('spare')));
  // What one worker of four cannot take.
  put(provider('up', `${upstream.url}/poisoned`));
  assert.match(await hangup(), /"status_id":2/);
  assert.ok((await byEach(() => ask(env.FREE))).every(({ text }) => text.includes('spare')));
});

test('up --workers opens a breaker on all workers after failures that came to several', async () => {
  put(provider('broken', failing.url));
  assert.match(await hangup(), /"status_id":1/);
  const answers: Answer[] = [];
  for (let nth = 0; nth < 40; nth++) answers.push(await ask(env.FREE));
  assert.ok(workersOf(answers).size > 1);
  assert.equal(failing.bodies.length, 5);
  const ready = (await (await fetch(`${instance.consoleUrl}/readyz`)).json()) as {
    dependencies: { providers: { broken: { state: string } }; workers: { serving: number; of: number } };
  };
  assert.equal(ready.dependencies.providers.broken.state, 'away', 'the main thread knows, though it asked nothing');
  assert.deepEqual([ready.dependencies.workers.serving, ready.dependencies.workers.of], [4, 4]);
  const told = instance
    .stderr()
    .split('\n')
    .filter((line) => line.includes('"signal":"provider-unavailable"'));
  assert.equal(told.length, 1, 'one thread tells it for all');
});
