// The whole program before somebody who tries to get in: what they get, and what the journal holds of it.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Instance, makePlace, run, startInstance } from './instance.ts';

const place = makePlace();
const cwd = place.dir;
const inData = ['--data', 'access'];
let app: Instance;
before(async () => {
  app = await startInstance(inData, { cwd });
});
after(async () => {
  await app?.stop();
  place.remove();
});

async function post(url: string, body: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as { error?: { code: string }; token?: string } };
}

async function keys(...args: string[]): Promise<{ key: string; id: string }> {
  const { stdout, stderr } = await run(['keys', ...args, '--json', ...inData], { cwd });
  return JSON.parse(stdout || `"${stderr}"`) as { key: string; id: string };
}

interface Event {
  class_uid: number;
  activity_id: number;
  status_id?: number;
  status_detail?: string;
  api?: { operation: string };
  actor?: { user: { credential_uid?: string } };
  unmapped?: { key?: { id: string }; scope?: string };
}

async function journal(): Promise<Event[]> {
  const { stdout } = await run(['journal', 'export', ...inData], { cwd });
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { event?: Event }).event ?? (JSON.parse(line) as Event));
}

test('up checks five of sixty parallel wrong passwords, and a good key forgives none of them', async () => {
  const login = `${app.consoleUrl}/api/login`;
  const guesses = await Promise.all(Array.from({ length: 60 }, (_, i) => post(login, { password: `guess ${i}` })));
  const count = (status: number) => guesses.filter((guess) => guess.status === status).length;
  assert.deepEqual([count(401), count(429)], [5, 55]);
  assert.equal((await post(`${app.gatewayUrl}/chat/login`, { key: app.apiKey })).status, 200);
  assert.equal((await post(login, { password: app.password })).status, 429);
});

test('up ends a session when its key is revoked, also for the console, and refuses a viewer’s question at both doors', async () => {
  const viewer = await keys('create', '--subject', 'vera', '--role', 'viewer');
  const { token = '' } = (await post(`${app.gatewayUrl}/chat/login`, { key: viewer.key })).body;
  const list = () =>
    fetch(`${app.gatewayUrl}/chat/conversations`, { headers: { authorization: `Bearer ${token}` } }).then(
      ({ status }) => status,
    );
  const cookie = { cookie: `rempart_session=${token}` };
  const status = () => fetch(`${app.consoleUrl}/api/status`, { headers: cookie }).then((answer) => answer.status);
  assert.deepEqual([await list(), await status()], [200, 200]);
  for (const answer of [
    await post(`${app.gatewayUrl}/chat`, { message: 'may I?' }, { authorization: `Bearer ${token}` }),
    await post(`${app.consoleUrl}/api/chat`, { message: 'may I?' }, cookie),
  ])
    assert.deepEqual([answer.status, answer.body.error?.code], [403, 'ERR_FORBIDDEN']);
  await run(['keys', 'revoke', viewer.id, ...inData], { cwd });
  assert.deepEqual([await list(), await status()], [401, 401]);
  const events = await journal();
  const ofKey = events.filter(({ actor }) => actor?.user.credential_uid?.startsWith(`${viewer.id}/session-`));
  assert.deepEqual(
    ofKey.map(({ api }) => api?.operation),
    ['GET /chat/conversations', 'POST /chat', 'POST /api/chat'],
  );
  assert.deepEqual(
    events.flatMap((event) => (event.unmapped?.key?.id === viewer.id ? [event.activity_id] : [])),
    [1, 4],
  );
});

test('up journals wrong keys on /chat and wrong passwords, but not as many as an attacker likes', async () => {
  for (let i = 0; i < 50; i++)
    await post(`${app.gatewayUrl}/chat`, { message: 'x' }, { authorization: `Bearer guess-${i}` });
  const failed = (await journal()).filter((event) => event.class_uid === 3002 && event.status_id === 2);
  const count = (reason: string) => failed.filter(({ status_detail }) => status_detail === reason).length;
  assert.deepEqual([count('login'), count('locked-out'), count('unknown')], [5, 20, 10]);
  const metrics = await (await fetch(`${app.consoleUrl}/metrics`)).text();
  assert.match(metrics, /failed\w*\{reason="unknown"\} 10$/m);
  assert.match(metrics, /failed\w*\{reason="locked-out"\} 96$/m);
  assert.ok((await journal()).some((event) => event.class_uid === 2004 && event.unmapped?.scope === 'credential'));
});

test('keys create refuses a subject that forges a row, with and without a running instance', async () => {
  const forged = 'ev\u001b[31mil\nrmp_x  admin';
  for (const data of [inData, ['--data', 'other']]) {
    const { code, stderr } = await run(['keys', 'create', '--subject', forged, ...data], { cwd });
    assert.equal(code, 2, stderr);
    assert.match(stderr, /ERR_USAGE/);
  }
});

test('keys create and revoke are journalled without a running instance, and the journal stays whole', async () => {
  const data = ['--data', 'offline'];
  const made = await run(['keys', 'create', '--subject', 'bob', '--json', ...data], { cwd });
  const { id } = JSON.parse(made.stdout) as { id: string };
  await run(['keys', 'revoke', id, ...data], { cwd });
  const { stdout } = await run(['journal', 'export', ...data], { cwd });
  assert.equal(stdout.split('\n').filter((line) => line.includes(`"id":"${id}"`)).length, 2);
  assert.equal((await run(['journal', 'verify', ...data], { cwd })).code, 0);
});
