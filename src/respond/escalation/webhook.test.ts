import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { createLog } from '../../platform/base/log.ts';
import { createSignals, type Signal } from '../../platform/signals.ts';
import { startWebhook } from './webhook.ts';

interface Alert {
  type: string;
  severity: string;
  time: string;
  message: { en: string; fr: string };
  facts: object;
}

const received: Alert[] = [];
let failures = 0;
const server = createServer(async (req, res) => {
  const chunks: Buffer[] = [];
  for await (const chunk of req as AsyncIterable<Buffer>) chunks.push(chunk);
  if (failures-- > 0) res.writeHead(500);
  else received.push(JSON.parse(Buffer.concat(chunks).toString('utf8')) as Alert);
  res.end();
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/alerts`;
after(() => server.close());

function start(now: () => number = Date.now) {
  received.length = 0;
  failures = 0;
  const signals = createSignals();
  const webhook = startWebhook({ url, signals, log: createLog('silent'), now, post: fetch });
  const emit = (kind: Signal['kind'], severity: Signal['severity']) =>
    signals.emit({ kind, severity, time: Date.UTC(2026, 0, 2), facts: { provider: 'main' } });
  return { webhook, emit };
}

test('startWebhook() posts what matters at once, in both languages, and every recovery', async () => {
  const { webhook, emit } = start();
  emit('quota-warning', 'low');
  emit('provider-unavailable', 'high');
  emit('provider-recovered', 'info');
  await webhook.close(2_000);
  assert.deepEqual(received[0], {
    type: 'provider-unavailable',
    severity: 'high',
    time: '2026-01-02T00:00:00.000Z',
    message: { en: 'A provider does not answer.', fr: 'Un fournisseur ne répond pas.' },
    facts: { provider: 'main' },
  });
  assert.deepEqual(
    received.map(({ type }) => type),
    ['provider-unavailable', 'provider-recovered'],
  );
});

test('startWebhook() sends a refused alert again, and keeps the order', async () => {
  const { webhook, emit } = start();
  failures = 2;
  emit('database-down', 'high');
  emit('host-overload', 'high');
  await webhook.close(5_000);
  assert.deepEqual(
    received.map(({ type }) => type),
    ['database-down', 'host-overload'],
  );
});

test('startWebhook() says the same thing once within five seconds, and again after a recovery', async () => {
  let time = 0;
  const { webhook, emit } = start(() => time);
  emit('network-cut', 'high');
  emit('network-cut', 'high');
  emit('provider-recovered', 'info');
  emit('network-cut', 'high');
  time = 6_000;
  emit('network-cut', 'high');
  await webhook.close(2_000);
  assert.deepEqual(
    received.map(({ type }) => type),
    ['network-cut', 'provider-recovered', 'network-cut', 'network-cut'],
  );
});

test('startWebhook() gives up at its end instead of holding the process', async () => {
  const { webhook, emit } = start();
  failures = 1_000;
  emit('database-down', 'high');
  const begin = performance.now();
  await webhook.close(100);
  assert.ok(performance.now() - begin < 60_000);
  assert.deepEqual(received, []);
});
