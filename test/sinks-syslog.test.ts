// Syslog over TCP and as datagrams: how records are framed, and what is sent again.
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { test } from 'node:test';
import { openSyslog } from '../src/platform/journal/sinks/syslog.ts';
import { until } from './instance.ts';
import { place, recordIn, startDelivery, startTcp } from './sinks-rig.ts';

test('openSyslog() frames RFC 5424 messages by their length and repeats what may be lost when a connection breaks', async (t) => {
  const { data, journals, write } = await place(t);
  const tcp = await startTcp();
  t.after(tcp.close);
  const sink = openSyslog({
    ...{ name: 's', kind: 'syslog', host: '127.0.0.1', port: tcp.port, transport: 'tcp' },
    ...{ facility: 13, appName: 'rempart', timeoutMs: 2_000 },
  } as const);
  await write(10, { text: 'é – ü' });
  const delivery = startDelivery(data, 's', sink);
  const seen = () => new Set(tcp.messages().map((message) => recordIn(message).seq));
  await until(() => seen().size === 10);
  assert.match(
    tcp.messages()[0]!,
    /^<110>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \S+ rempart \d+ api\.outcome - \ufeff\{/,
  );
  for (let round = 0; round < 3; round++) {
    tcp.drop();
    await write(10);
  }
  await until(() => seen().size === 40);
  await delivery.stop();
  await journals.close();
});

test('openSyslog() sends a datagram a record', async (t) => {
  const { data, journals, write } = await place(t);
  const socket = createSocket('udp4');
  t.after(() => socket.close());
  const seen = new Set<number>();
  socket.on('message', (bytes) => seen.add(recordIn(bytes.toString('utf8')).seq));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const sink = openSyslog({
    ...{ name: 'u', kind: 'syslog', host: '127.0.0.1', port: socket.address().port, transport: 'udp' },
    ...{ facility: 13, appName: 'rempart', timeoutMs: 2_000 },
  } as const);
  await write(5);
  const delivery = startDelivery(data, 'u', sink);
  await until(() => seen.size === 5);
  await delivery.stop();
  await journals.close();
});
