// The gateway behind an HTTP proxy: calls go through it, several at once, and a dead one is a network cut.
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { after, test } from 'node:test';
import { answering, startRig, startUpstream } from './gateway-rig.ts';

const cleanUps: (() => Promise<void>)[] = [];
after(async () => {
  for (const close of cleanUps) await close();
});

/** A forward proxy for http, by absolute address or tunnel. */
async function startProxy(): Promise<{ url: string; seen: string[]; close(): Promise<void> }> {
  const seen: string[] = [];
  const server: Server = createServer((req, res) => {
    seen.push(req.url ?? '');
    const { origin, pathname } = new URL(req.url ?? '');
    void (async () => {
      const body = req.method === 'GET' ? {} : { body: Buffer.concat(await req.toArray()) };
      const answer = await fetch(origin + pathname, {
        method: req.method ?? 'GET',
        headers: { authorization: req.headers.authorization ?? '' },
        ...body,
      });
      res.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' });
      res.end(await answer.text());
    })();
  });
  server.on('connect', (req, socket) => {
    seen.push(req.url ?? '');
    const { hostname, port } = new URL(`http://${req.url}`);
    const through = connect(Number(port), hostname, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      socket.pipe(through).pipe(socket);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen, close };
}

test('createGateway() calls its provider through the proxy, several calls at once', async () => {
  // Nobody is answered before all have come: one that waited for another would wait for ever.
  const held: (() => void)[] = [];
  const upstream = await startUpstream((...request) => {
    held.push(() => answering()(...request));
    if (held.length === 6) for (const answer of held) answer();
  });
  const proxy = await startProxy();
  const rig = await startRig([{ name: 'up', dialect: 'openai', url: upstream.url, proxy: proxy.url }]);
  cleanUps.push(rig.close, proxy.close, upstream.close);
  const answers = await Promise.all([1, 2, 3, 4, 5, 6].map(() => rig.chat('hi')));
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 200, 200, 200, 200, 200],
  );
  assert.equal(upstream.bodies.length, 6);
  assert.ok(proxy.seen.length >= 1, 'the proxy saw them');
});

test('createGateway() calls a dead proxy a network cut', async () => {
  const upstream = await startUpstream(answering());
  const proxy = await startProxy();
  await proxy.close();
  const rig = await startRig([{ name: 'up', dialect: 'openai', url: upstream.url, proxy: proxy.url }]);
  cleanUps.push(rig.close, upstream.close);
  assert.equal((await rig.chat('hi')).status, 503);
  assert.equal(upstream.bodies.length, 0);
  assert.deepEqual(
    rig.signals.map(({ kind }) => kind),
    ['network-cut'],
  );
});
