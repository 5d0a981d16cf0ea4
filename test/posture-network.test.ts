// The network monitor of a running instance: peers across a real interface, containers as an engine tells them, counters and dashboard.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Registry } from 'prom-client';
import { createLog } from '../src/platform/base/log.ts';
import { deploymentSchema } from '../src/platform/documents/deployment.ts';
import { createSignals, type Signal } from '../src/platform/signals.ts';
import { countCrossings, openCrossingLog } from '../src/protect/posture/monitor/crossing-log.ts';
import { readGateways } from '../src/protect/posture/monitor/host-addresses.ts';
import { startNetworkService } from '../src/protect/posture/monitor/network-service.ts';
import { makePlace, startInstance, until } from './instance.ts';

const place = makePlace();
after(place.remove);
const main = join(import.meta.dirname, '..', 'bin', 'rempart.js');
const profile = `name: shop
services:
  - { name: web, role: frontend, order: 1, zones: [public] }
  - { name: store, role: data, order: 2, zones: [private] }
`;
writeFileSync(join(place.dir, 'deployment.yaml'), profile);

/** An engine that tells its containers, and an event whenever they change. */
async function startEngine(socket: string) {
  let containers: object[] = [];
  const listeners = new Set<ServerResponse>();
  const server = createServer((req, res) => {
    if (req.url?.startsWith('/events')) {
      res.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
      listeners.add(res);
    } else res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(containers));
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  return {
    listening: () => listeners.size,
    attach(...all: [name: string, network: string, address: string][]) {
      containers = all.map(([name, network, IPAddress]) => ({
        Id: name,
        Names: [`/${name}`],
        NetworkSettings: { Networks: { [network]: { IPAddress } } },
      }));
      for (const one of listeners) one.write(`${JSON.stringify({ Type: 'network', Action: 'connect' })}\n`);
    },
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

test('up with a deployment profile counts a container in a zone that is not its own; the dashboard shows it', async () => {
  const socket = join(place.dir, 'engine.sock');
  const engine = await startEngine(socket);
  const config = join(place.dir, 'rempart.yaml');
  writeFileSync(config, `deployment: deployment.yaml\nposture: { every: 1, engine: ${socket} }\n`);
  engine.attach(['web', 'shop_public', '172.18.0.5'], ['store', 'shop_private', '172.20.0.9']);
  const instance = await startInstance(['--config', config, '--data', join(place.dir, 'data')], { cwd: place.dir });
  try {
    const metrics = async () => (await fetch(`${instance.consoleUrl}/metrics`)).text();
    await until(() => engine.listening() > 0);
    const login = await fetch(`${instance.consoleUrl}/api/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ password: instance.password }),
    });
    const cookie = login.headers.get('set-cookie')?.split(';')[0] ?? '';
    const anomalies = async () => {
      const answer = await fetch(`${instance.consoleUrl}/api/dashboard`, { headers: { cookie } });
      const shown = (await answer.json()) as { security_dashboard: { network_anomalies: number | null } };
      return shown.security_dashboard.network_anomalies;
    };
    assert.equal(await anomalies(), 0);
    assert.doesNotMatch(await metrics(), /rempart_cross_network_requests_total\{/);
    // A name without a prefix is there for those who ask for it only.
    assert.doesNotMatch(await metrics(), /^(# \w+ )?cross_network_requests_total/m);
    engine.attach(['web', 'shop_private', '172.20.0.7'], ['store', 'shop_private', '172.20.0.9']);
    await until(async () => /cross_network_requests_total\{from="public",to="private"\} 1/.test(await metrics()));
    assert.equal(await anomalies(), 1);
  } finally {
    engine.close();
    const { stderr } = await instance.stop();
    assert.match(stderr, /network-crossing/);
    assert.doesNotMatch(stderr, /172\.20\.0\.7/);
  }
});

test('up refuses a deployment profile that is not there', async () => {
  const config = join(place.dir, 'missing.yaml');
  writeFileSync(config, 'deployment: nowhere.yaml\n');
  await assert.rejects(
    startInstance(['--config', config, '--data', join(place.dir, 'none')], { cwd: place.dir }),
    /ERR_DEPLOYMENT_UNREADABLE/,
  );
});

const namespaces = spawnSync('unshare', ['-n', 'sh', '-c', 'ip link add name va type veth peer name vb']).status === 0;
test('up counts a caller from the private zone that reaches a port of the host other than the model’s', {
  skip: namespaces ? false : 'network namespaces are not possible here (unshare -n, ip link add)',
}, async () => {
  const config = join(place.dir, 'reach.yaml');
  writeFileSync(config, 'deployment: deployment.yaml\nposture: { every: 1 }\ngateway: { host: 0.0.0.0 }\n');
  const ask = (url: string) =>
    `fetch('${url}').then((r) => r.text()).then((t) => console.log(t.split('\\n').filter((l) => /^rempart_(host_access|cross)/.test(l)).join('\\n')))`;
  const script = `set -e
ip link set lo up
ip link add name va type veth peer name vb
ip addr add 172.20.0.1/16 dev va
ip link set va up
unshare -n sleep 30 & other=$!
"$1" "$2" up --json --port 18080 --console-port 18081 --config "$3" --data "$4" > "$4.out" 2> "$4.err" & server=$!
sleep 0.2
ip link set vb netns $other
nsenter -t $other -n ip link set lo up
nsenter -t $other -n ip addr add 172.20.0.7/16 dev vb
nsenter -t $other -n ip link set vb up
for i in $(seq 100); do grep -q schema "$4.out" && break; sleep 0.1; done
# An interface without a carrier is not listed: the next look finds it.
sleep 1.3
nsenter -t $other -n "$1" -e "$5" >/dev/null
"$1" -e "$6"
kill -TERM $server; kill $other; wait $server || true`;
  const args = [
    ...['-n', 'sh', '-c', script, 'sh', process.execPath, main, config, join(place.dir, 'reach')],
    ...[ask('http://172.20.0.1:18080/'), ask('http://127.0.0.1:18081/metrics')],
  ];
  const child = spawn('unshare', args, { cwd: place.dir, stdio: ['ignore', 'pipe', 'inherit'] });
  let stdout = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  await new Promise((resolve) => child.on('close', resolve));
  assert.equal(stdout.trim(), 'rempart_host_access_violations_total{from="private",to="host"} 1');
});

test('startNetworkService() hears of the gateway’s own calls and of its callers between two looks', async () => {
  const signals = createSignals();
  const heard: Signal[] = [];
  signals.subscribe((signal) => heard.push(signal));
  const deployment = deploymentSchema.parse({
    name: 'x',
    services: [{ name: 'a', role: 'core', order: 1 }],
    zones: { private: { cidr: ['172.20.0.0/16'], internal: true } },
  });
  const data = join(place.dir, 'peers');
  const parts = { data, signals, log: createLog('silent'), registry: new Registry(), now: () => 1_000_000 };
  const service = startNetworkService(
    { ...parts, read: () => [], hostAddresses: () => ['172.20.0.1'] },
    { deployment, everyMs: 60_000 },
  );
  const server = createTcpServer();
  try {
    service.watchPeers(server);
    const peer = { remoteAddress: '::ffff:172.20.0.9', localAddress: '::ffff:172.20.0.1', localPort: 8080 };
    server.emit('connection', peer);
    server.emit('connection', peer);
    assert.deepEqual(
      heard.map(({ severity, facts }) => [severity, facts]),
      [['high', { kind: 'host-access', from: 'private', to: 'host', port: 8080 }]],
    );
    assert.equal(countCrossings(data, 1_000_001), 1);
  } finally {
    await service.close();
  }
});

test('countCrossings() says null when nobody watched for a day, and forgets nothing of the last 24 hours', () => {
  const data = join(place.dir, 'count');
  const day = 86_400_000;
  assert.equal(countCrossings(data, 0), null);
  const log = openCrossingLog(data);
  const crossing = {
    from: 'a',
    to: 'b',
    port: 1,
    kind: 'cross-network',
    fromZone: 'public',
    toZone: 'private',
  } as const;
  log.watched(day * 50);
  log.add(crossing, day * 50);
  log.add(crossing, day * 50.9);
  assert.equal(countCrossings(data, day * 50.95), 2);
  assert.equal(countCrossings(data, day * 51.5), 1);
  assert.equal(countCrossings(data, day * 52), null);
  const later = openCrossingLog(data);
  later.watched(day * 52);
  assert.equal(countCrossings(data, day * 52), 0);
  openCrossingLog(data).watched(day * 80.5);
  assert.equal(countCrossings(data, day * 50.95), 1, 'what is older than 30 days is dropped at the next start');
  assert.ok(existsSync(join(data, 'posture', 'crossings.jsonl')));
});

test('readGateways() reads the default route of a container', () => {
  const text = `Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\nwait0\t00000000\t010014AC\t0003\t0\t0\t0\t00000000\neth0\t000014AC\t00000000\t0001\t0\t0\t0\t0000FFFF\n`;
  assert.deepEqual(readGateways(text), ['172.20.0.1']);
});
