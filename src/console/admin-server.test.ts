// What the console takes from those who are not logged in: little, over a real socket.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { getRequestListener } from '@hono/node-server';
import { createLog } from '../platform/base/log.ts';
import { type AdminParts, createAdminServer } from './admin-server.ts';

const passwords: string[] = [];
const unused = () => {
  throw new Error('not asked for here');
};
const parts: AdminParts = {
  lang: 'en',
  hosts: [],
  readiness: unused,
  status: unused,
  dashboard: unused,
  metrics: unused,
  async login(password) {
    passwords.push(password);
    return { token: 't', expiresAt: Date.now() + 60_000 };
  },
  mayRead: () => false,
  logout: async () => undefined,
  chat: unused,
  deferred: unused,
  log: createLog('silent'),
};
const server = createServer(getRequestListener(createAdminServer(parts, () => '127.0.0.1').fetch));
let port = 0;
before(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  ({ port } = server.address() as AddressInfo);
});
after(() => {
  server.close();
  server.closeAllConnections();
});

/** The answer to a body of many pieces, which stops as soon as an answer comes. */
async function send(
  headers: Record<string, string | number>,
  pieces: number,
): Promise<{ status: number; sent: number }> {
  const req = request({ port, host: '127.0.0.1', method: 'POST', path: '/api/login', headers });
  let sent = 0;
  let status = 0;
  req.on('error', () => undefined);
  const answered = new Promise<void>((resolve) => {
    req.on('response', (response) => {
      status = response.statusCode ?? 0;
      response.resume();
      resolve();
    });
    req.on('close', resolve);
  });
  const piece = Buffer.alloc(64 * 1024, 0x61);
  for (; sent < pieces && status === 0; sent++) {
    req.write(piece);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  await answered;
  req.destroy();
  return { status, sent };
}

const json = { 'content-type': 'application/json' };
for (const [how, headers] of [
  ['by its length', { ...json, 'content-length': 200 * 64 * 1024 }],
  ['as it comes in', { ...json, 'transfer-encoding': 'chunked' }],
] as const) {
  test(`createAdminServer() refuses a large body ${how} with 413, long before its end`, async () => {
    const { status, sent } = await send(headers, 200);
    assert.equal(status, 413);
    assert.ok(sent < 100, `${sent} pieces were taken`);
  });
}

test('createAdminServer() says of a large body how much it takes, and still takes an ordinary one', async () => {
  const url = `http://127.0.0.1:${port}/api/login`;
  const post = (body: string) => fetch(url, { method: 'POST', headers: json, body });
  const { error } = (await (await post('x'.repeat(65_537))).json()) as { error: { code: string; message: string } };
  assert.equal(error.code, 'ERR_BODY_TOO_LARGE');
  assert.match(error.message, /65536 bytes/);
  assert.equal((await post(JSON.stringify({ password: 'right' }))).status, 200);
  assert.deepEqual(passwords, ['right']);
});

for (const [what, type, body, code] of [
  ['a password twice', 'application/json', '{"password":"a","password":"b"}', 'ERR_BODY_DUPLICATE_KEY'],
  ['half of a surrogate pair', 'application/json', '{"password":"\\ud800"}', 'ERR_BODY_ENCODING'],
  ['a type that only begins like JSON', 'application/json-seq', '{"password":"a"}', 'ERR_BODY_ENCODING'],
] as const)
  test(`createAdminServer() refuses ${what} with ${code}`, async () => {
    const tried = passwords.length;
    const answer = await fetch(`http://127.0.0.1:${port}/api/login`, {
      method: 'POST',
      headers: { 'content-type': type },
      body,
    });
    assert.equal(((await answer.json()) as { error: { code: string } }).error.code, code);
    assert.equal(passwords.length, tried);
  });
