import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { after, test } from 'node:test';
import { createLimitedServer, type ServerLimits } from './limited-server.ts';

const closers: (() => void)[] = [];
after(() => {
  for (const close of closers) close();
});

async function start(limits: Partial<ServerLimits>): Promise<() => Promise<Socket>> {
  const server = createLimitedServer(
    (req, res) => {
      req.resume().on('end', () => res.end('whole'));
      req.on('error', () => {});
    },
    { checkEveryMs: 20, ...limits },
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return async () => {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    socket.on('error', () => {});
    await once(socket, 'connect');
    return socket;
  };
}

async function allOf(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
  });
  await once(socket, 'close');
  return text;
}

for (const [what, sent, limits] of [
  ['headers', 'GET / HTTP/1.1\r\nhost: a\r\n', { headersMs: 100, requestMs: 5_000 }],
  ['a body', 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nhalf', { headersMs: 100, requestMs: 150 }],
] as const)
  test(`createLimitedServer() answers 408 to ${what} without an end, and closes`, { timeout: 600_000 }, async () => {
    const open = await start(limits);
    const socket = await open();
    socket.write(sent);
    assert.match(await allOf(socket), /^HTTP\/1\.1 408 /);
  });

test('createLimitedServer() closes a connection too many at once, and takes one again when there is room', {
  timeout: 600_000,
}, async () => {
  const open = await start({ connections: 1 });
  const first = await open();
  const second = await open();
  assert.equal(await allOf(second), '');
  first.destroy();
  let answer = '';
  while (answer === '') {
    const third = await open();
    third.write('GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n');
    answer = await allOf(third);
  }
  assert.match(answer, /^HTTP\/1\.1 200 .*whole/s);
});
