import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { createDataPlane } from './data-plane.ts';

test('createDataPlane() hands no request on whose connection is gone by the end of the turn', async (t) => {
  const seen: string[] = [];
  const server = createDataPlane({
    gateway: {
      handle(req, res) {
        seen.push(req.url ?? '');
        res.end();
      },
    },
    chatbot: { handle: async () => false },
    health: () => ({ status: 'ok', store: 'ok', assistant: 'ok', host: 'ok' }),
  });
  server.prependListener('request', (req) => {
    if (req.url === '/gone') req.socket.destroy();
  });
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await assert.rejects(fetch(`http://127.0.0.1:${port}/gone`));
  assert.equal((await fetch(`http://127.0.0.1:${port}/here`)).status, 200);
  assert.deepEqual(seen, ['/here']);
});
