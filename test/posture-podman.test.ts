// Running containers of a real engine: Podman's API, the linter on what it runs, and its networks as the monitor hears of them.
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { lintProject } from '../src/platform/inspection/containers/lint.ts';
import { loadContainerRules } from '../src/platform/inspection/containers/rules.ts';
import { runningContainers } from '../src/protect/posture/exposure/engine.ts';
import { type Attachment, watchEngineNetworks } from '../src/protect/posture/monitor/engine-networks.ts';
import { makePlace, until } from './instance.ts';

const place = makePlace();
const tag = `rempart-${process.pid}`;
const engine = ['--runtime', 'runc', '--cgroup-manager', 'cgroupfs'];
const socket = join(place.dir, 'podman.sock');
const root = join(place.dir, 'root');
let service: ChildProcess | undefined;

const skip = whyNot();
function whyNot(): string | false {
  if (process.getuid?.() !== 0) return 'a container engine is asked as root only';
  if (spawnSync('podman', ['--version']).status !== 0 || spawnSync('runc', ['--version']).status !== 0)
    return 'podman and runc are not installed';
  return existsSync('/bin/busybox') ? false : 'no /bin/busybox to run in a container (busybox-static)';
}

function podman(...args: string[]): string {
  return execFileSync('podman', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 60_000 });
}

function runContainer(name: string, ...how: string[]): void {
  const limits = ['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1000:1000'];
  podman(...engine, 'run', '-d', '--name', `${tag}-${name}`, ...limits, ...how, '--rootfs', root, '/bin/sleep', '60');
}

before(async () => {
  if (skip !== false) return;
  for (const folder of ['bin', 'dev', 'etc', 'proc', 'run', 'sys', 'tmp', 'var/tmp'])
    mkdirSync(join(root, folder), { recursive: true });
  copyFileSync('/bin/busybox', join(root, 'bin', 'busybox'));
  symlinkSync('busybox', join(root, 'bin', 'sleep'));
  service = spawn('podman', [...engine, 'system', 'service', '--time=0', `unix://${socket}`], { stdio: 'ignore' });
  await until(() => statSync(socket, { throwIfNoEntry: false })?.isSocket() === true);
});

after(() => {
  if (skip === false) {
    const names = ['open', 'shut', 'guest'].map((name) => `${tag}-${name}`);
    spawnSync('podman', [...engine, 'rm', '-f', '-t', '0', ...names], { timeout: 60_000 });
    spawnSync('podman', ['network', 'rm', '-f', `${tag}-net`], { timeout: 60_000 });
    service?.kill();
  }
  place.remove();
});

test('runningContainers() shows what Podman runs, and the linter finds what is weak there and nothing else', {
  skip,
}, async () => {
  runContainer(
    'open',
    '--network',
    'host',
    '--pid',
    'host',
    '--privileged',
    '-e',
    'API_TOKEN=x9Kq27LmPz4',
    '-v',
    '/:/h',
  );
  const shut = ['--network', 'none', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges', '--read-only'];
  runContainer('shut', ...shut, '--user', '1000:1000', '--memory', '32m', '--pids-limit', '20', '--cpus', '0.5');
  const project = await runningContainers(socket, 10_000);
  const found = lintProject(project, { rules: loadContainerRules(), lang: 'en' });
  const of = (name: string) =>
    [...new Set(found.filter(({ service }) => service === `${tag}-${name}`).map(({ rule }) => rule))].sort();
  for (const rule of [
    'privileged',
    'network-host',
    'pid-host',
    'user-unset',
    'read-only',
    'host-mount',
    'secret-environment',
  ])
    assert.ok(of('open').includes(`compose/${rule}`), `${rule} in ${of('open')}`);
  assert.deepEqual(of('shut'), ['compose/healthcheck']);
  assert.ok(!JSON.stringify(found).includes('x9Kq27LmPz4'));
});

test('watchEngineNetworks() hears of a container that Podman starts in a network', { skip }, async () => {
  podman('network', 'create', '--subnet', '10.231.7.0/24', `${tag}-net`);
  const stop = new AbortController();
  let seen: readonly Attachment[] | undefined;
  const watching = watchEngineNetworks(socket, {
    onChange: (all) => {
      seen = all;
    },
    onError: (error) => assert.fail(String(error)),
    signal: stop.signal,
    retryMs: 1_000,
  });
  try {
    await until(() => seen !== undefined);
    runContainer('guest', '--network', `${tag}-net`);
    await until(
      () => seen?.some(({ container, network }) => `${container} ${network}` === `${tag}-guest ${tag}-net`) === true,
    );
    assert.match(seen?.find(({ container }) => container === `${tag}-guest`)?.address ?? '', /^10\.231\.7\./);
  } finally {
    stop.abort();
    await watching;
  }
});
