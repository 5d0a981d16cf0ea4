// Limits of the whole program: over a restart and a reload, behind a proxy, at the chatbot's door, and told in metrics and journal.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { answering, startUpstream, type Upstream } from './gateway-rig.ts';
import { type Instance, makePlace, run, startInstance, until } from './instance.ts';

const place = makePlace();
const env = { KEY: 'key-of-the-limited-user', ADMIN: 'key-of-the-administrator', UP: 'upstream-key' };
let upstream: Upstream;
let instance: Instance;

function put(limits: string, more = ''): void {
  const lines = [
    `providers: [{name: up, dialect: openai, url: "${upstream.url}", key: "env:UP"}]`,
    'access: {keys: [{key: "env:KEY", subject: tester}, {key: "env:ADMIN", subject: boss, role: admin}]}',
    'screening: {behaviour: {mode: "off"}}',
    `limits: ${limits}`,
    more,
  ];
  writeFileSync(join(place.dir, 'rempart.yaml'), `${lines.join('\n')}\n`);
}

before(async () => {
  upstream = await startUpstream(answering());
  put('{rules: [{every: day, requests: 20}]}');
  instance = await startInstance([], { cwd: place.dir, env });
});
after(async () => {
  await instance.stop();
  await upstream.close();
  place.remove();
});

const ask = (headers: Record<string, string> = {}, key = env.KEY) =>
  fetch(`${instance.gatewayUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'hello' }] }),
  });
const left = async () => Number((await ask()).headers.get('x-ratelimit-remaining-requests'));
const chat = (headers: Record<string, string> = {}) =>
  fetch(`${instance.gatewayUrl}/chat`, {
    method: 'POST',
    headers: { authorization: `Bearer ${env.KEY}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ message: 'bonjour' }),
  });
async function journalled(): Promise<string[]> {
  return (await run(['journal', 'export'], { cwd: place.dir })).stdout.split('\n');
}

test('the count of a day goes on after a restart, and after an end that was none', async () => {
  assert.equal(await left(), 19);
  assert.equal(await left(), 18);
  await instance.stop();
  instance = await startInstance([], { cwd: place.dir, env });
  const file = join(place.dir, '.rempart', 'limits.jsonl');
  const before = readFileSync(file, 'utf8');
  assert.equal(await left(), 17);
  // Time to be written.
  await until(() => readFileSync(file, 'utf8') !== before);
  await new Promise((resolve) => setTimeout(resolve, 1_200));
  instance.child.kill('SIGKILL');
  await instance.ended;
  instance = await startInstance([], { cwd: place.dir, env });
  const now = await left();
  assert.ok(now <= 16 && now >= 13, `${now} left`);
});

test('a new configuration keeps the counts and holds at once', async () => {
  const before = await left();
  put('{rules: [{every: day, requests: 30}]}');
  instance.child.kill('SIGHUP');
  await until(async () => (await ask()).headers.get('x-ratelimit-limit-requests') === '30');
  assert.ok((await left()) < before + 10, 'what was used before counts under the higher limit');
  put('{rules: [{every: day, requests: 2}]}');
  instance.child.kill('SIGHUP');
  await until(async () => (await ask()).status === 429);
  const { status, headers } = await ask({}, env.ADMIN);
  assert.deepEqual([status, headers.get('x-ratelimit-remaining-requests')], [200, '1']);
});

test('the chatbot says in the user’s language when it resumes, and does not answer with an excuse', async () => {
  const response = await chat({ 'accept-language': 'fr' });
  assert.equal(response.status, 429);
  assert.ok(Number(response.headers.get('retry-after')) >= 1);
  assert.equal(response.headers.get('x-ratelimit-limit-requests'), '2');
  const { error } = (await response.json()) as { error: { code: string; message: string; todo: string } };
  assert.equal(error.code, 'ERR_LIMIT_REQUESTS');
  assert.match(error.message, /^La limite de demandes est atteinte : 2 par jour/);
  assert.match(error.todo, /^Le service reprendra (le|à|dans) /);
  const events = await chat({ accept: 'text/event-stream' });
  assert.equal(events.status, 429);
});

test('what was refused is counted by scope, told once and journalled with its reason', async () => {
  const metrics = await (await fetch(`${instance.consoleUrl}/metrics`)).text();
  assert.match(metrics, /^rempart_rate_limit_exceeded_total\{scope="user"\} [1-9]/m);
  const lines = await journalled();
  const outcome = lines.find((line) => line.includes('"code":"ERR_LIMIT_REQUESTS"') && line.includes('"outcome"'));
  assert.ok(outcome !== undefined);
  assert.match(outcome, /"kind":"refused"/);
  assert.match(outcome, /"limit":"requests per user every day"/);
});

test('an address is what its own connection says, and only a trusted proxy speaks for others', async () => {
  put('{sources: {requests: 20}, rules: []}');
  instance.child.kill('SIGHUP');
  await until(async () => (await ask()).headers.get('x-ratelimit-limit-requests') === null);
  const from = (address: string) => ask({ 'x-forwarded-for': address });
  await until(async () => (await ask()).status === 429);
  assert.equal((await from('203.0.113.7')).status, 429, 'no header of a stranger makes a new source');
  put('{sources: {requests: 20}, rules: []}', 'gateway: {trustedProxies: [127.0.0.1]}');
  instance.child.kill('SIGHUP');
  await until(async () => (await from('203.0.113.7')).status === 200);
  assert.equal((await from('10.9.9.9, 203.0.113.8')).status, 200);
  for (let nth = 0; nth < 20; nth++) await from(`192.0.2.${nth}, 203.0.113.9`);
  assert.equal((await from('192.0.2.99, 203.0.113.9')).status, 429, 'what the client itself wrote is not believed');
  assert.equal((await from('203.0.113.10')).status, 200);
  await until(async () => (await journalled()).some((line) => line.includes('"rate-limited"')));
});
