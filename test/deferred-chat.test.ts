// The chatbot's questions that wait: answered later in their conversation, followed from the console, gone with what they belong to.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { askedFor, keys } from './deferred-rig.ts';
import { heal, rig } from './deferred-ways-rig.ts';
import { until } from './instance.ts';

const chat = async (path: string, body?: object, method = body === undefined ? 'GET' : 'POST', lang = 'fr') => {
  const response = await fetch(`${rig.instance.gatewayUrl}${path}`, {
    method,
    headers: { authorization: `Bearer ${keys.KEY}`, 'content-type': 'application/json', 'accept-language': lang },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, headers: response.headers, body: (await response.json()) as ChatBody };
};

interface ChatBody {
  reply: string;
  conversation: string;
  degraded?: { mode: string; notice: string; deferred?: { id: string; position: number; expectedAt: string } };
  messages: { id: string; role: string; text: string }[];
  status: string;
  answer?: { reply: string };
  error?: { code: string };
}

test('the chatbot answers a question later, in its conversation, and tells the place in the queue', async () => {
  await heal();
  const { conversation } = (await chat('/chat', { message: 'Bonjour, qui êtes-vous ?' })).body;
  rig.mood = 'quota';
  const asked = await chat('/chat', { message: 'Quelle est la capitale du Pérou ?', conversation });
  const { degraded, reply } = asked.body;
  assert.equal(asked.status, 200);
  assert.equal(asked.headers.get('x-rempart-degraded'), 'deferred, local');
  assert.deepEqual([degraded?.mode, degraded?.deferred?.position], ['deferred', 1]);
  assert.match(reply, /Place dans la file : 1\./);
  assert.match(reply, /Camille, poste 12/);
  const id = degraded?.deferred?.id ?? '';
  assert.equal((await chat(`/chat/deferred/${id}`)).body.status, 'waiting');
  rig.says = 'Lima';
  rig.mood = 'answers';
  await heal();
  let messages: ChatBody['messages'] = [];
  await until(async () => {
    messages = (await chat(`/chat/conversations/${conversation}`)).body.messages;
    return messages.at(-1)?.text === 'Lima';
  });
  assert.deepEqual(
    messages.map(({ role }) => role),
    ['user', 'assistant', 'user', 'assistant'],
    'in the place of the excuse',
  );
  const told = (await chat(`/chat/deferred/${id}`)).body;
  assert.deepEqual([told.status, told.answer?.reply], ['answered', 'Lima']);
  const sent = rig.upstream.bodies.findLast((body) => body.includes('Pérou')) ?? '';
  assert.ok(
    sent.includes('qui êtes-vous') && !sent.includes('Place dans la file'),
    'with what was said before, without the excuse',
  );
  rig.says = 'hello';
});

test('a conversation that is deleted takes its waiting question along', async () => {
  rig.mood = 'quota';
  const { conversation, degraded } = (await chat('/chat', { message: 'Une question que je retire' })).body;
  const removed = await fetch(`${rig.instance.gatewayUrl}/chat/conversations/${conversation}`, {
    method: 'DELETE',
    headers: { authorization: `Bearer ${keys.KEY}` },
  });
  assert.equal(removed.status, 204);
  const before = askedFor(rig, 'que je retire');
  await heal();
  const id = degraded?.deferred?.id ?? '';
  await until(async () => ['failed', undefined].includes((await chat(`/chat/deferred/${id}`)).body.status));
  assert.equal(askedFor(rig, 'que je retire'), before);
});

test('the console follows a question that waits, and shows its answer', async () => {
  await heal();
  const { consoleUrl, password } = rig.instance;
  const post = (path: string, body: object, cookie = '') =>
    fetch(`${consoleUrl}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', cookie },
      body: JSON.stringify(body),
    });
  const login = await post('/api/login', { password });
  const cookie = login.headers.get('set-cookie')?.split(';')[0] ?? '';
  rig.mood = 'quota';
  const asked = (await (await post('/api/chat', { message: 'from the console, please' }, cookie)).json()) as ChatBody;
  const { id = '', position } = asked.degraded?.deferred ?? {};
  assert.equal(position, 1);
  const look = async (headers: Record<string, string>) => {
    const response = await fetch(`${consoleUrl}/api/chat/deferred/${id}`, { headers });
    return { status: response.status, body: (await response.json()) as ChatBody & { position?: number } };
  };
  assert.deepEqual([(await look({ cookie })).body.status, (await look({ cookie })).body.position], ['waiting', 1]);
  assert.equal((await look({})).status, 401);
  assert.equal((await chat(`/chat/deferred/${id}`)).status, 404, 'of somebody else');
  rig.says = 'to the console';
  await heal();
  await until(async () => (await look({ cookie })).body.status === 'answered');
  assert.equal((await look({ cookie })).body.answer?.reply, 'to the console');
  rig.says = 'hello';
});
