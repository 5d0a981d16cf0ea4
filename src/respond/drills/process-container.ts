// One container of the process engine: a real child process with a directory, a log and a listener that networks give it.
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { groupMembers } from '../../platform/base/process-identity.ts';
import { threadUrl } from '../../platform/base/thread.ts';

export interface ContainerSpec {
  name: string;
  image: string;
  networks: readonly string[];
  /** Told as its limit; nothing enforces it. */
  memoryBytes?: number;
  labels?: Readonly<Record<string, string>>;
}

export interface LoggedLine {
  at: number;
  stream: 'stdout' | 'stderr';
  line: string;
}

export type ContainerStatus = 'created' | 'running' | 'paused' | 'exited';

export interface ProcessContainer {
  id: string;
  spec: ContainerSpec;
  /** Where its files are. */
  root: string;
  /** On loopback: answers only while it runs and a network has it. */
  port: number;
  networks: ReadonlySet<string>;
  status(): ContainerStatus;
  pid(): number;
  exitCode(): number;
  startedAt(): number;
  finishedAt(): number;
  start(): Promise<boolean>;
  /** SIGTERM, and SIGKILL after the grace. */
  stop(graceMs: number): Promise<boolean>;
  kill(signal: NodeJS.Signals): Promise<boolean>;
  pause(): boolean;
  unpause(): boolean;
  connect(network: string): void;
  disconnect(network: string): boolean;
  /** A further process in it; resolves to its number once it runs. */
  exec(command: readonly string[]): Promise<ChildProcess>;
  log: readonly LoggedLine[];
  processes(): number[];
  changes(): { Path: string; Kind: 0 | 1 | 2 }[];
  remove(): Promise<void>;
}

export interface ContainerParts {
  dir: string;
  /** On loopback; 0 for any. */
  port: number;
  now: () => number;
  /** Told of each process that was started, before anything else is done with it. */
  owned: (pid: number) => void;
  tell: (action: string, attributes?: Readonly<Record<string, string>>) => void;
}

const mostLines = 2_000;

export async function createContainer(parts: ContainerParts, spec: ContainerSpec): Promise<ProcessContainer> {
  const { now, tell, owned } = parts;
  const id = createHash('sha256').update(`${spec.name} ${process.pid} ${now()} ${Math.random()}`).digest('hex');
  const dir = join(parts.dir, id.slice(0, 12));
  const root = join(dir, 'root');
  mkdirSync(root, { recursive: true, mode: 0o700 });
  const socket = join(dir, 's');
  const original = filesOf(root);
  const networks = new Set(spec.networks);
  const log: LoggedLine[] = [];
  const executed = new Set<ChildProcess>();
  let main: ChildProcess | undefined;
  let status: ContainerStatus = 'created';
  let exitCode = 0;
  let startedAt = 0;
  let finishedAt = 0;
  const relay = await openRelay(parts.port, () => (status === 'running' && networks.size > 0 ? socket : null));

  function keep(stream: LoggedLine['stream'], chunk: string): void {
    for (const line of chunk.split('\n').filter((text) => text !== '')) log.push({ at: now(), stream, line });
    if (log.length > mostLines) log.splice(0, log.length - mostLines);
  }

  function launch(command: string, args: readonly string[]): ChildProcess {
    // A group of its own: what a signal to the container must reach.
    const child = spawn(command, args, { cwd: root, detached: true, stdio: ['pipe', 'pipe', 'pipe'], env: {} });
    if (child.pid !== undefined) owned(child.pid);
    child.stdin.on('error', () => undefined);
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => keep('stdout', chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => keep('stderr', chunk));
    return child;
  }

  function signalAll(signal: NodeJS.Signals): void {
    for (const child of [main, ...executed]) {
      if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) continue;
      try {
        process.kill(-child.pid, signal);
      } catch {
        // It ended by itself meanwhile.
      }
    }
  }

  /** Of all its processes: what was killed is dead when the engine says so. */
  async function ended(): Promise<void> {
    const living = [main, ...executed].filter(
      (child) => child !== undefined && child.exitCode === null && child.signalCode === null,
    );
    await Promise.all(
      living.map((child) => new Promise((resolve) => child?.once('exit', () => setImmediate(resolve)))),
    );
  }

  const container: ProcessContainer = {
    id,
    spec,
    root,
    port: relay.port,
    networks,
    log,
    status: () => status,
    pid: () => (status === 'running' || status === 'paused' ? (main?.pid ?? 0) : 0),
    exitCode: () => exitCode,
    startedAt: () => startedAt,
    finishedAt: () => finishedAt,
    async start() {
      if (status === 'running' || status === 'paused') return false;
      rmSync(socket, { force: true });
      const program = threadUrl('container-process', import.meta.url).pathname;
      const child = launch(process.execPath, ['--disable-warning=ExperimentalWarning', program, spec.name, socket]);
      main = child;
      child.once('exit', (code, signal) => {
        status = 'exited';
        finishedAt = now();
        exitCode = code ?? 128 + (signal === 'SIGKILL' ? 9 : 15);
        relay.cut();
        // Nothing outlives the first process of a container.
        signalAll('SIGKILL');
        tell('die', { exitCode: String(exitCode) });
      });
      await serving(child, `${spec.name}: serving`);
      status = 'running';
      startedAt = now();
      tell('start');
      return true;
    },
    async stop(graceMs) {
      if (status !== 'running' && status !== 'paused') return false;
      const end = ended();
      if (status === 'paused') signalAll('SIGCONT');
      signalAll('SIGTERM');
      const late = setTimeout(() => signalAll('SIGKILL'), graceMs);
      await end;
      clearTimeout(late);
      tell('stop');
      return true;
    },
    async kill(signal) {
      if (status !== 'running' && status !== 'paused') return false;
      const end = ended();
      tell('kill', { signal });
      signalAll(signal);
      if (signal === 'SIGKILL') await end;
      return true;
    },
    pause() {
      if (status !== 'running') return false;
      signalAll('SIGSTOP');
      status = 'paused';
      relay.cut();
      tell('pause');
      return true;
    },
    unpause() {
      if (status !== 'paused') return false;
      signalAll('SIGCONT');
      status = 'running';
      tell('unpause');
      return true;
    },
    connect(network) {
      networks.add(network);
    },
    disconnect(network) {
      const was = networks.delete(network);
      if (networks.size === 0) relay.cut();
      return was;
    },
    async exec([command = '', ...args]) {
      const child = launch(command, args);
      executed.add(child);
      child.once('exit', () => executed.delete(child));
      await new Promise((resolve, reject) => child.once('spawn', () => resolve(null)).once('error', reject));
      return child;
    },
    processes: () =>
      [main, ...executed].flatMap((child) =>
        child?.pid === undefined || child.exitCode !== null || child.signalCode !== null ? [] : groupMembers(child.pid),
      ),
    changes() {
      const present = filesOf(root);
      const added = [...present].flatMap(([path, stamp]) => {
        const before = original.get(path);
        if (before === stamp) return [];
        return [{ Path: `/${path}`, Kind: before === undefined ? (1 as const) : (0 as const) }];
      });
      const gone = [...original.keys()].filter((path) => !present.has(path));
      return [...added, ...gone.map((path) => ({ Path: `/${path}`, Kind: 2 as const }))];
    },
    async remove() {
      const end = ended();
      signalAll('SIGKILL');
      await end;
      await relay.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
  return container;
}

/** The container's published port: leads to its socket while there is a way, and is closed while there is none. */
async function openRelay(port: number, target: () => string | null) {
  const open = new Set<Socket>();
  const server: Server = createServer((client) => {
    const path = target();
    if (path === null) return void client.resetAndDestroy();
    const inner = createConnection(path);
    for (const [from, to] of [
      [client, inner],
      [inner, client],
    ] as const) {
      open.add(from);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        open.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    cut() {
      for (const one of open) one.destroy();
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        for (const one of open) one.destroy();
      }),
  };
}

/** Resolves once the program in it says so; rejects when it ends before. */
function serving(child: ChildProcess, line: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let heard = '';
    child.stdout?.on('data', (chunk: string) => {
      if (heard.length < 4_096) heard += chunk;
      if (heard.includes(line)) resolve();
    });
    child.once('error', reject);
    child.once('exit', () => reject(new Error('the container ended before it served')));
  });
}

/** Each file below, with what tells whether it changed. */
function filesOf(root: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const { size } = statSync(path);
    const hash = size > 1_048_576 ? `${size}` : createHash('sha256').update(readFileSync(path)).digest('hex');
    found.set(path.slice(root.length + 1), hash);
  }
  return found;
}
