// The chatbot's addresses on a real socket: what is refused and how, and what of it the journal holds.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { RempartError } from '../../platform/base/errors.ts';
import type { JsonObject } from '../../platform/base/json.ts';
import { createLog } from '../../platform/base/log.ts';
import { openStore } from '../../platform/store/store.ts';
import type { Role } from '../gateway/ask.ts';
import { createRecordActivity } from '../record-activity.ts';
import { createBook, type Op } from './book.ts';
import { createChatStore } from './chat-store.ts';
import { createChatbot } from './chatbot.ts';
import { createConsoleChat } from './console-chat.ts';
import { createConverse } from './converse.ts';
import { openSpool } from './spool.ts';

const dir = mkdtempSync(join(tmpdir(), 'rempart-chatbot-'));
const log = createLog('silent');
const store = await openStore({ path: join(dir, 'store.sqlite') });
const setAside = await openSpool<Op>(join(dir, 'aside.jsonl'));
const spool = await openSpool<Op>(join(dir, 'spool.jsonl'));
const book = createBook({
  store: createChatStore(store),
  spool,
  setAside,
  onStoreChange: () => () => {},
  log,
  now: Date.now,
});
const journalled: JsonObject[] = [];
const record = createRecordActivity({
  now: Date.now,
  journal: {
    async append(event) {
      journalled.push(event);
      return { stream: 's', seq: 1, hash: '' };
    },
  },
});
let asked = 0;
const converse = createConverse(
  {
    ask: async () => {
      asked++;
      return {
        kind: 'answer',
        text: 'fine',
        model: 'm',
        degraded: [],
        usage: { promptTokens: 1, completionTokens: 1 },
      };
    },
    book,
    admit: (_role, work) => work(),
    now: Date.now,
    log,
  },
  { model: 'm', system: '', contact: '', historyMessages: 4 },
);
const callerOf = (role: Role) => ({ subject: 'alice', role, credential: 'rmp_1', sourceIp: '192.0.2.7' });
const chatbot = createChatbot(
  {
    converse,
    book,
    record,
    log,
    async authenticate(req) {
      return callerOf(req.headers.authorization === 'Bearer viewer' ? 'viewer' : 'user');
    },
    async login() {
      throw new RempartError('ERR_KEY_INVALID');
    },
  },
  { lang: 'en', maxBodyBytes: 10_000, maxBodyDepth: 8, unknownFields: 'drop' },
);
const server = createServer((req, res) => void chatbot.handle(req, res));
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address() as AddressInfo;
after(async () => {
  server.close();
  server.closeAllConnections();
  await book.close();
  await setAside.close();
  await store.close();
  rmSync(dir, { recursive: true });
});

async function send(method: string, path: string, body?: string, headers: Record<string, string> = {}) {
  journalled.length = 0;
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    ...(body === undefined ? {} : { body }),
    headers: { 'content-type': 'application/json', ...headers },
  });
  const text = await response.text();
  const { error } = (text.startsWith('{') ? JSON.parse(text) : {}) as { error?: { code: string } };
  return { status: response.status, code: error?.code, text, connection: response.headers.get('connection') };
}

const recorded = () =>
  journalled.map((event) => [
    event['activity_id'],
    (event['api'] as JsonObject)['operation'],
    event['status_code'] ?? 'success',
  ]);

const deep = `${'['.repeat(9)}${']'.repeat(9)}`;
for (const [what, body, type, status, code] of [
  ['a message twice', '{"message":"a","message":"b"}', 'application/json', 400, 'ERR_BODY_DUPLICATE_KEY'],
  ['a message in two spellings', '{"message":"a","Message":"b"}', 'application/json', 400, 'ERR_BODY_DUPLICATE_KEY'],
  ['a form', '{"message":"a"}', 'text/plain', 415, 'ERR_BODY_ENCODING'],
  ['a type that only begins like JSON', '{"message":"a"}', 'application/jsonp', 415, 'ERR_BODY_ENCODING'],
  ['a blank message', '{"message":"  \\n\\u00a0"}', 'application/json', 400, 'ERR_BODY_INVALID'],
  ['U+0000', '{"message":"x\\u0000y"}', 'application/json', 400, 'ERR_BODY_INVALID'],
  ['U+0000 in an id', '{"message":"x","id":"\\u0000"}', 'application/json', 400, 'ERR_BODY_INVALID'],
  ['half of a surrogate pair', '{"message":"\\ud800"}', 'application/json', 415, 'ERR_BODY_ENCODING'],
  ['a deep body', `{"message":${deep}}`, 'application/json', 400, 'ERR_BODY_DEPTH'],
  ['a list', '[]', 'application/json', 400, 'ERR_BODY_INVALID'],
] as const)
  test(`createChatbot() refuses ${what} with ${code}, asks no model, and journals it`, async () => {
    const before = asked;
    const answer = await send('POST', '/chat', body, { 'content-type': type });
    assert.deepEqual([answer.status, answer.code, asked - before], [status, code, 0]);
    assert.deepEqual(recorded(), [[1, 'POST /chat', code]]);
    assert.equal(await book.read('alice', ''), undefined);
  });

test('createChatbot() drops a field that it does not know', async () => {
  const { status } = await send('POST', '/chat', '{"message":"hello","model":"other"}');
  assert.equal(status, 200);
});

test('createChatbot() answers 413 to a body far too large, every time, and closes', { timeout: 600_000 }, async () => {
  for (let round = 0; round < 10; round++) {
    // By hand: the whole body is sent whatever is answered meanwhile, as slow clients do.
    const socket = connect(port, '127.0.0.1');
    let text = '';
    let failure: Error | undefined;
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
    });
    socket.on('error', (error) => {
      failure = error;
    });
    const closed = once(socket, 'close');
    const size = 6_000_000;
    socket.write(
      `POST /chat HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n${round % 2 === 0 ? `content-length: ${size}` : 'transfer-encoding: chunked'}\r\n\r\n`,
    );
    const piece = Buffer.alloc(100_000, 0x20);
    for (let sent = 0; sent < size; sent += piece.length) {
      if (round % 2 === 1) socket.write(`${piece.length.toString(16)}\r\n`);
      socket.write(piece);
      if (round % 2 === 1) socket.write('\r\n');
    }
    if (round % 2 === 1) socket.write('0\r\n\r\n');
    await closed;
    assert.equal(failure, undefined);
    assert.match(text, /^HTTP\/1\.1 413 /);
    assert.match(text, /connection: close/i);
  }
});

test('createChatbot() journals what is read, changed and removed, and what was not found', async () => {
  const asking = await send('POST', '/chat', '{"message":"one","id":"r1"}');
  assert.deepEqual(recorded(), [], 'the gateway journals what the model is asked');
  const { conversation } = JSON.parse(asking.text) as { conversation: string };
  const calls = [
    ['POST', '/chat', '{"message":"one","id":"r1"}'],
    ['POST', '/chat', '{"message":"two","id":"r1"}'],
    ['GET', '/chat/conversations'],
    ['GET', `/chat/conversations/${conversation}`],
    ['GET', '/chat/conversations/other'],
    ['PUT', '/chat/settings', '{"lang":null,"answers":"short"}'],
    ['PUT', '/chat/settings', '{"colour":"red"}'],
    ['GET', '/chat/settings'],
    ['DELETE', `/chat/conversations/${conversation}`],
    ['DELETE', '/chat/settings'],
    ['GET', '/chat/elsewhere'],
  ] as const;
  const seen: unknown[] = [];
  for (const [method, path, body] of calls) {
    const { status } = await send(method, path, body);
    seen.push([status, ...recorded().flat()]);
  }
  assert.deepEqual(seen, [
    [200, 1, 'POST /chat', 'success'],
    [409, 1, 'POST /chat', 'ERR_REQUEST_ID_REUSED'],
    [200, 2, 'GET /chat/conversations', 'success'],
    [200, 2, 'GET /chat/conversations/ID', 'success'],
    [404, 2, 'GET /chat/conversations/ID', 'ERR_CONVERSATION_UNKNOWN'],
    [200, 3, 'PUT /chat/settings', 'success'],
    [400, 3, 'PUT /chat/settings', 'ERR_BODY_FIELD_UNKNOWN'],
    [200, 2, 'GET /chat/settings', 'success'],
    [204, 4, 'DELETE /chat/conversations/ID', 'success'],
    [405, 2, 'DELETE /chat/settings', 'ERR_METHOD_NOT_ALLOWED'],
    [404, 2, 'GET /chat/other', 'ERR_NOT_FOUND'],
  ]);
});

test('a viewer is refused with ERR_FORBIDDEN at both doors, and nothing is kept', async () => {
  const stored = (await book.list('alice')).length;
  const answer = await send('POST', '/chat', '{"message":"may I?"}', { authorization: 'Bearer viewer' });
  assert.deepEqual([answer.status, answer.code], [403, 'ERR_FORBIDDEN']);
  const consoleChat = createConsoleChat({ access: { ofSession: () => callerOf('viewer') }, converse, record });
  const question = { message: 'may I?', lang: 'en', signal: new AbortController().signal } as const;
  await assert.rejects(consoleChat(question, 'token', '192.0.2.7'), { code: 'ERR_FORBIDDEN' });
  assert.deepEqual(recorded(), [
    [1, 'POST /chat', 'ERR_FORBIDDEN'],
    [1, 'POST /api/chat', 'ERR_FORBIDDEN'],
  ]);
  assert.equal((await book.list('alice')).length, stored);
});
