// Real containers for a sandbox: Podman with a store and a network of its own, so that none of the machine's own is in reach.
import { execFile, spawn } from 'node:child_process';
import { accessSync, chmodSync, constants, copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { until } from './drill.ts';
import { answersAt, askEngine, type DrillContainers, execInside, mainPid } from './drill-containers.ts';
import { processesNaming, processOf } from './find-process.ts';
import { endProcess, own, ownProcess } from './owned.ts';
import type { ContainersAt } from './process-containers.ts';

const run = promisify(execFile);
const port = 8080;
/** The limits of this process may be above what a container may be given. */
const limits = ['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1000:1000'];

/** Null where it cannot be done: not Linux, not root, no Podman, no static busybox, or a kernel that forbids it. */
export async function startPodmanContainers(at: ContainersAt, path: string): Promise<DrillContainers | null> {
  const busybox = programIn(path, 'busybox');
  if (process.platform !== 'linux' || process.getuid?.() !== 0 || busybox === null) return null;
  if (programIn(path, 'podman') === null) return null;
  const store = join(at.dir, 'podman');
  for (const part of ['root', 'run', 'net', 'tmp']) mkdirSync(join(store, part), { recursive: true, mode: 0o700 });
  const flags = [
    ...['--root', join(store, 'root'), '--runroot', join(store, 'run'), '--tmpdir', join(store, 'tmp')],
    ...['--network-config-dir', join(store, 'net'), '--events-backend', 'file', '--cgroup-manager', 'cgroupfs'],
    ...(programIn(path, 'runc') === null ? [] : ['--runtime', 'runc']),
  ];
  // Part of the directory's own name, so that two sandboxes have two.
  const network = `drill-${
    at.dir
      .split('/')
      .at(-1)
      ?.replace(/[^a-z0-9]/g, '') ?? 'net'
  }`;
  own(at.dir, { kind: 'podman', flags, network, store });
  const podman = (...args: string[]) => run('podman', [...flags, ...args], { timeout: 20_000, env: { PATH: path } });
  try {
    return await start({ ...at, busybox, store, flags, network, podman, path });
  } catch {
    await podman('rm', '--force', '--all', '--time', '0').catch(() => undefined);
    await podman('network', 'rm', '--force', network).catch(() => undefined);
    return null;
  }
}

interface Starting extends ContainersAt {
  busybox: string;
  store: string;
  flags: readonly string[];
  network: string;
  podman: (...args: string[]) => Promise<{ stdout: string }>;
  path: string;
}

async function start(starting: Starting): Promise<DrillContainers> {
  const { dir, names, store, flags, network, podman, path } = starting;
  const socket = join(store, 'api.sock');
  await podman('network', 'create', '--subnet', `10.203.${octet()}.0/28`, network);
  const roots = Object.fromEntries(names.map((name) => [name, makeRoot(starting, name)]));
  const create = (name: string) =>
    podman(
      ...['run', '--detach', '--name', name, '--network', network, ...limits],
      ...['--rootfs', roots[name] ?? '', '/bin/sh', '/serve'],
    );
  for (const name of names) await create(name);
  const service = spawn('podman', [...flags, 'system', 'service', '--time', '0', `unix://${socket}`], {
    stdio: 'ignore',
    detached: true,
    env: { PATH: path },
  });
  if (service.pid !== undefined) ownProcess(dir, service.pid);
  const isUp = await until(async () => {
    try {
      return (await askEngine(socket, 'GET', '/_ping')).status === 200;
    } catch {
      return false;
    }
  }, 10_000);
  if (!isUp) throw new Error('the service of Podman does not answer');
  const relays = await Promise.all(names.map(async (name) => [name, await openRelay(socket, name)] as const));
  const urls = Object.fromEntries(relays.map(([name, { url }]) => [name, url]));
  const answers = (name: string) => answersAt(urls[name] ?? '');
  for (const name of names)
    if (!(await until(() => answers(name), 10_000))) throw new Error(`the container ${name} does not answer`);
  return {
    kind: 'podman',
    socket,
    names,
    network,
    urls,
    pid: (name) => mainPid(socket, name),
    answers,
    async breakIn(name) {
      await execInside(socket, name, ['/bin/busybox', 'sleep', '613']);
      let pid: number | null = null;
      await until(() => {
        pid = processOf(['/bin/busybox', 'sleep', '613']);
        return pid !== null;
      }, 3_000);
      return pid;
    },
    async say(name, line) {
      writeFileSync(join(roots[name] ?? '', 'said'), `${line}\n`, { flag: 'a' });
    },
    async grow() {
      throw new Error('a container of busybox keeps no memory');
    },
    async rebuild() {
      for (const name of names) {
        const { status } = await askEngine(socket, 'GET', `/containers/${name}/json`);
        if (status === 404) await create(name);
      }
    },
    async close() {
      await Promise.all(relays.map(([, relay]) => relay.close()));
      await podman('rm', '--force', '--all', '--time', '0').catch(() => undefined);
      await podman('network', 'rm', '--force', network).catch(() => undefined);
      const ended = new Promise((resolve) => service.once('exit', resolve));
      if (service.kill('SIGTERM')) await ended;
      // What watched over a process in a container stays for minutes by itself.
      for (const left of processesNaming(store)) endProcess(left);
    },
  };
}

/** Enough of a system for a web server and a log. */
function makeRoot({ busybox, store }: Starting, name: string): string {
  const root = join(store, 'rootfs', name);
  for (const part of ['bin', 'proc', 'sys', 'dev', 'tmp', 'etc', 'www'])
    mkdirSync(join(root, part), { recursive: true });
  copyFileSync(busybox, join(root, 'bin', 'busybox'));
  chmodSync(join(root, 'bin', 'busybox'), 0o755);
  for (const tool of ['sh', 'ps', 'cat']) symlinkSync('busybox', join(root, 'bin', tool));
  writeFileSync(join(root, 'www', 'health'), `${name} ok\n`);
  writeFileSync(join(root, 'said'), '');
  writeFileSync(
    join(root, 'serve'),
    [
      `echo "${name}: serving"`,
      '/bin/busybox tail -n 0 -F /said &',
      `exec /bin/busybox httpd -f -p ${port} -h /www`,
      '',
    ].join('\n'),
  );
  return root;
}

/** A port on loopback that leads to wherever the container is now, and nowhere while it is nowhere. */
async function openRelay(engine: string, name: string) {
  const open = new Set<Socket>();
  const server: Server = createServer((client) => {
    open.add(client);
    client.on('error', () => client.destroy());
    client.on('close', () => open.delete(client));
    addressOf(engine, name)
      .then((address) => {
        if (address === null) return client.resetAndDestroy();
        const inner = createConnection({ host: address, port, timeout: 1_000 });
        inner.on('error', () => client.destroy());
        inner.on('timeout', () => inner.destroy());
        inner.on('close', () => client.destroy());
        client.on('close', () => inner.destroy());
        client.pipe(inner).pipe(client);
        return undefined;
      })
      .catch(() => client.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  const at = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${at}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        for (const one of open) one.destroy();
      }),
  };
}

async function addressOf(engine: string, name: string): Promise<string | null> {
  const { value } = await askEngine(engine, 'GET', `/containers/${name}/json`);
  const { State, NetworkSettings } = value as {
    State?: { Running?: boolean; Status?: string };
    NetworkSettings?: { Networks?: Record<string, { IPAddress?: string }> };
  };
  if (State?.Running !== true) return null;
  const [network] = Object.values(NetworkSettings?.Networks ?? {});
  return network?.IPAddress ? network.IPAddress : null;
}

/** Two sandboxes side by side must not meet. */
function octet(): number {
  return 1 + Math.floor(Math.random() * 250);
}

function programIn(path: string, name: string): string | null {
  for (const folder of path.split(delimiter))
    try {
      const file = join(folder, name);
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // Not there.
    }
  return null;
}
