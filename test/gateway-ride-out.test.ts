// The gateway under a cut of the network: a short one is waited out within the request, a long one is answered soon.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, test } from 'node:test';
import { freePort } from '../src/platform/base/test-port.ts';
import { answering, quickSettings, type Rig, startRig, until } from './gateway-rig.ts';

const cleanUps: (() => Promise<void>)[] = [];
after(async () => {
  for (const close of cleanUps) await close();
});

/** A port that refuses for now, and a way to open it. */
async function closedPort(): Promise<{ url: string; open(): Promise<void> }> {
  let seen = 0;
  const server = createServer((req, res) => {
    let body = '';
    req.on('data', (chunk) => {
      body += chunk;
    });
    req.on('end', () => {
      if (req.method === 'GET') res.writeHead(503).end();
      else answering()(req, res, body, ++seen);
    });
  });
  const listen = (port: number) => new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  const port = await freePort();
  cleanUps.push(close);
  return { url: `http://127.0.0.1:${port}`, open: () => listen(port) };
}

async function rigBefore(url: string, rideOutMs: number, others: string[] = []): Promise<Rig> {
  const providers = [url, ...others].map((url, index) => ({ name: `up-${index}`, dialect: 'openai' as const, url }));
  const rig = await startRig(providers, { settings: { retries: { ...quickSettings.retries, rideOutMs } } });
  cleanUps.push(rig.close);
  return rig;
}

async function timed<T>(work: Promise<T>): Promise<{ value: T; ms: number }> {
  const from = Date.now();
  return { value: await work, ms: Date.now() - from };
}

test('createGateway() waits out a network that comes back, for every request that meets the cut', async () => {
  const upstream = await closedPort();
  const rig = await rigBefore(upstream.url, 50_000);
  const first = [1, 2, 3, 4].map(() => rig.chat('hi'));
  await until(() => rig.signals.some(({ kind }) => kind === 'network-cut'));
  const later = rig.chat('hi');
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  await upstream.open();
  const answers = await Promise.all([...first, later]);
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 200, 200, 200, 200],
  );
  assert.ok(
    rig.signals.some(({ kind, severity }) => kind === 'network-cut' && severity === 'high'),
    'it is told while it lasts',
  );
});

test('createGateway() gives up after the time of the ride and then answers at once while the cut lasts', async () => {
  const upstream = await closedPort();
  const rig = await rigBefore(upstream.url, 2_500);
  const first = await timed(rig.chat('hi'));
  assert.equal(first.value.status, 503);
  assert.ok(first.ms > 1_500, `the first waited ${first.ms} ms`);
  const later = [await timed(rig.chat('hi')), await timed(rig.chat('hi')), await timed(rig.chat('hi'))];
  for (const { value } of later) assert.equal(value.status, 503);
  // A machine that stutters does so now and then; a gateway that waited would each time.
  const least = Math.min(...later.map(({ ms }) => ms));
  assert.ok(least < 1_500, `each later one waited at least ${least} ms`);
});

test('createGateway() turns to the next provider at once instead of waiting for the first', async () => {
  const [away, here] = [await closedPort(), await closedPort()];
  await here.open();
  const rig = await rigBefore(away.url, 50_000, [here.url]);
  const { value, ms } = await timed(rig.chat('hi'));
  assert.equal(value.status, 200);
  assert.ok(ms < 30_000, `${ms} ms`);
});
