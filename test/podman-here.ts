// A real Podman for tests: its API on a socket of our own, containers from a static busybox; undone by what it started.
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { type Place, until } from './instance.ts';

const engine = ['--runtime', 'runc', '--cgroup-manager', 'cgroupfs'];
const limits = ['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1000:1000'];

/** The first process of a container that ends when it is asked to, so that no test waits for it to be killed. */
const willing = ['/bin/sh', '-c', 'trap "exit 0" TERM; sleep 3600 & wait $!'];

/** Why there is none, or false. */
export function podmanMissing(): string | false {
  if (process.getuid?.() !== 0) return 'a container engine is asked as root only';
  if (spawnSync('podman', ['--version']).status !== 0 || spawnSync('runc', ['--version']).status !== 0)
    return 'podman and runc are not installed';
  return existsSync('/bin/busybox') ? false : 'no /bin/busybox to run in a container (busybox-static)';
}

export interface PodmanHere {
  socket: string;
  /** What the names of its containers begin with. */
  tag: string;
  /** The folder that is `/` in every container. */
  root: string;
  podman(...args: string[]): string;
  /** Its name. */
  run(name: string, how: readonly string[], command?: readonly string[]): string;
  network(name: string, subnet: string): string;
  stop(): void;
}

export async function startPodman(place: Place): Promise<PodmanHere> {
  const socket = join(place.dir, 'podman.sock');
  const root = join(place.dir, 'root');
  const tag = `rempart-${process.pid}`;
  const containers: string[] = [];
  const networks: string[] = [];
  for (const folder of ['bin', 'dev', 'etc', 'proc', 'run', 'sys', 'tmp', 'var/tmp'])
    mkdirSync(join(root, folder), { recursive: true });
  copyFileSync('/bin/busybox', join(root, 'bin', 'busybox'));
  for (const applet of ['sh', 'sleep', 'echo', 'nc', 'cat', 'touch', 'httpd'])
    symlinkSync('busybox', join(root, 'bin', applet));
  const service: ChildProcess = spawn('podman', [...engine, 'system', 'service', '--time=0', `unix://${socket}`], {
    stdio: 'ignore',
  });
  await until(() => statSync(socket, { throwIfNoEntry: false })?.isSocket() === true);
  const podman = (...args: string[]) =>
    execFileSync('podman', [...engine, ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 60_000,
    });
  return {
    socket,
    tag,
    root,
    podman,
    run(name, how, command = willing) {
      const whole = `${tag}-${name}`;
      containers.push(whole);
      podman('run', '-d', '--name', whole, ...limits, ...how, '--rootfs', root, ...command);
      return whole;
    },
    network(name, subnet) {
      const whole = `${tag}-${name}`;
      networks.push(whole);
      podman('network', 'create', '--subnet', subnet, whole);
      return whole;
    },
    stop() {
      // By one name that is gone already Podman lets all others be, and says that it succeeded: each is removed alone.
      for (const name of containers) spawnSync('podman', [...engine, 'rm', '-f', '-t', '0', name], { timeout: 60_000 });
      if (networks.length > 0) spawnSync('podman', ['network', 'rm', '-f', ...networks], { timeout: 60_000 });
      service.kill();
    },
  };
}
