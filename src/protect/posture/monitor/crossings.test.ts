// Which connections are crossings, and that each is counted once.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registry } from 'prom-client';
import { deploymentSchema } from '../../../platform/documents/deployment.ts';
import { type Connection, connectionsOf, judgeConnection, readConntrack } from './crossings.ts';
import { createNetworkMonitor, crossingCounters } from './watch-network.ts';

const { zones, allowed } = deploymentSchema.parse({ name: 'x', services: [{ name: 'a', role: 'core', order: 1 }] });
const place = { zones, allowed, hostAddresses: ['172.20.0.1', '192.168.1.10'] };

const cases: [from: string, to: string, port: number, kind: string | undefined][] = [
  ['172.18.0.2', '172.19.0.2', 8080, undefined],
  ['172.18.0.2', '172.20.0.2', 5432, 'cross-network'],
  ['172.19.0.2', '172.20.0.2', 5432, undefined],
  ['172.20.0.2', '172.19.0.2', 80, 'cross-network'],
  ['172.20.0.2', '172.20.0.3', 6379, undefined],
  ['172.20.0.2', '172.20.0.1', 11434, undefined],
  ['172.20.0.2', '172.20.0.1', 22, 'host-access'],
  ['172.18.0.2', '192.168.1.10', 11434, 'host-access'],
  ['172.20.0.2', '93.184.216.34', 443, 'cross-network'],
  ['172.19.0.2', '93.184.216.34', 443, undefined],
  ['172.19.0.2', '93.184.216.34', 6667, 'cross-network'],
  ['172.20.0.1', '172.20.0.2', 5432, undefined],
  ['203.0.113.4', '172.18.0.2', 8443, undefined],
  ['203.0.113.4', '172.20.0.2', 5432, 'cross-network'],
  ['::ffff:172.18.0.2', '172.21.0.9', 9090, 'cross-network'],
];
for (const [from, to, port, kind] of cases)
  test(`judgeConnection() answers ${kind ?? 'allowed'} to ${from} calling ${to}:${port}`, () => {
    assert.equal(judgeConnection({ from, to, port }, place)?.kind, kind);
  });

test('connectionsOf() takes the side that listens for the one that was called', () => {
  const end = (address: string, port: number) => ({ address, port });
  const sockets = [
    { state: 'listen' as const, local: end('0.0.0.0', 80), remote: end('0.0.0.0', 0), inode: 1 },
    { state: 'established' as const, local: end('172.19.0.2', 80), remote: end('172.18.0.5', 40000), inode: 2 },
    { state: 'established' as const, local: end('172.19.0.2', 50000), remote: end('172.20.0.5', 5432), inode: 3 },
  ];
  assert.deepEqual(connectionsOf(sockets), [
    { from: '172.18.0.5', to: '172.19.0.2', port: 80 },
    { from: '172.19.0.2', to: '172.20.0.5', port: 5432 },
  ]);
});

test('readConntrack() reads established TCP connections, caller first', () => {
  const text =
    'ipv4     2 tcp      6 431999 ESTABLISHED src=172.18.0.2 dst=172.20.0.3 sport=4000 dport=5432 src=172.20.0.3 dst=172.18.0.2 sport=5432 dport=4000 [ASSURED] mark=0 use=1\n' +
    'ipv4     2 udp      17 29 src=172.18.0.2 dst=8.8.8.8 sport=4000 dport=53 src=8.8.8.8 dst=172.18.0.2 sport=53 dport=4000 use=1\n';
  assert.deepEqual(readConntrack(text), [{ from: '172.18.0.2', to: '172.20.0.3', port: 5432 }]);
});

test('createNetworkMonitor() counts a connection once while it lasts, and again when it is back', async () => {
  const registry = new Registry();
  const counters = crossingCounters(registry);
  let now: Connection[] = [{ from: '172.18.0.2', to: '172.20.0.2', port: 5432 }];
  const monitor = createNetworkMonitor({
    deployment: { zones, allowed },
    read: () => now,
    hostAddresses: () => place.hostAddresses,
    now: () => 0,
    onCrossing: counters.count,
  });
  assert.equal(monitor.look().length, 1);
  assert.equal(monitor.look().length, 0);
  now = [{ from: '172.18.0.2', to: '172.20.0.1', port: 22 }];
  assert.equal(monitor.look().length, 1);
  now = [{ from: '172.18.0.2', to: '172.20.0.2', port: 5432 }];
  assert.equal(monitor.look().length, 1);
  const text = await registry.metrics();
  assert.match(text, /rempart_cross_network_requests_total\{from="public",to="private"\} 2/);
  assert.match(text, /rempart_host_access_violations_total\{from="public",to="host"\} 1/);
});
