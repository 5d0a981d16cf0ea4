// Requests that go through a tunnel between threads: as they came, answered as if the other side had the socket.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { type AddressInfo, createConnection } from 'node:net';
import { after, before, test } from 'node:test';
import { createLimitedServer } from '../../platform/base/limited-server.ts';
import { createForward } from './forward-request.ts';
import { openTunnel } from './tunnel.ts';

let aborted = 0;
let hanging = 0;
/** Never listens: connections come through tunnels. */
const inner = createLimitedServer((req, res) => {
  res.once('close', () => {
    if (!res.writableFinished) aborted++;
  });
  if (req.url === '/hang') {
    hanging++;
    return;
  }
  if (req.url === '/stream') {
    res.writeHead(200, { 'content-type': 'text/event-stream' });
    res.write('data: one\n\n');
    setTimeout(() => res.end('data: two\n\n'), 200);
    return;
  }
  if (req.url === '/refused') {
    res.writeHead(413, { connection: 'close', 'x-why': 'too large' }).end('no');
    return;
  }
  let length = 0;
  req.on('data', (chunk: Buffer) => {
    length += chunk.length;
  });
  req.on('end', () => {
    res.setHeader('set-cookie', ['a=1', 'b=2']);
    res.end(
      JSON.stringify({ length, raw: req.rawHeaders, from: req.socket.remoteAddress, at: req.socket.localAddress }),
    );
  });
});
const outer = createLimitedServer(createForward((port, ends) => inner.emit('connection', openTunnel(port, ends))));
let port = 0;
before(async () => {
  outer.listen(0, '127.0.0.1');
  await once(outer, 'listening');
  ({ port } = outer.address() as AddressInfo);
});
after(() => {
  outer.close();
  outer.closeAllConnections();
});

test('createForward() hands a request on with its headers as they came, its source and a large body', async () => {
  const body = 'x'.repeat(3_000_000);
  const answer = await fetch(`http://127.0.0.1:${port}/echo?a=b`, {
    method: 'POST',
    body,
    headers: { 'X-Own': 'kept' },
  });
  const seen = (await answer.json()) as { length: number; raw: string[]; from: string; at: string };
  assert.deepEqual([answer.status, seen.length, seen.from, seen.at], [200, body.length, '127.0.0.1', '127.0.0.1']);
  assert.equal(seen.raw[seen.raw.indexOf('X-Own') + 1] ?? seen.raw[seen.raw.indexOf('x-own') + 1], 'kept');
  assert.deepEqual(answer.headers.getSetCookie(), ['a=1', 'b=2']);
});

for (const [path, expected] of [
  ['/echo', /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /],
  ['/refused', /^HTTP\/1\.1 413 /],
] as const)
  test(`createForward() leaves it to the other side whether the body of a request to ${path} is asked for`, async () => {
    const socket = createConnection(port, '127.0.0.1');
    socket.write(
      `POST ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n`,
    );
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      if (text.includes('100 Continue')) socket.write('body');
    });
    await once(socket, 'close');
    assert.match(text, expected);
  });

test('createForward() lets the other side see a header that came twice', async () => {
  const socket = createConnection(port, '127.0.0.1');
  socket.write('GET /echo HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n');
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  assert.match(text, /"Host","a","Host","b"/);
});

test('createForward() passes a stream on as it comes, a refusal with its connection header, and an abort both ways', async () => {
  const streamed = await fetch(`http://127.0.0.1:${port}/stream`);
  const reader = streamed.body!.getReader();
  assert.equal(Buffer.from((await reader.read()).value ?? []).toString(), 'data: one\n\n');
  assert.equal(Buffer.from((await reader.read()).value ?? []).toString(), 'data: two\n\n');
  assert.equal((await reader.read()).done, true);
  const refused = await fetch(`http://127.0.0.1:${port}/refused`, { method: 'POST', body: 'a' });
  assert.deepEqual([refused.status, refused.headers.get('x-why'), await refused.text()], [413, 'too large', 'no']);
  const before = aborted;
  const gone = request({ port, path: '/hang' }).end();
  gone.on('error', () => {});
  const pause = () => new Promise((resolve) => setTimeout(resolve, 10));
  while (hanging === 0) await pause();
  gone.destroy();
  for (let looks = 0; aborted === before && looks < 6_000; looks++) await pause();
  assert.equal(aborted, before + 1);
});
