// What the gateway bench starts: upstream, bare relay, Rempart and Portkey, each a process of its own, and how busy each was.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Measured, Task } from './gateway-load.ts';

const here = import.meta.dirname;
const key = 'bench-key-0123456789abcdef0123456789abcdef';

export interface Server {
  port: number;
  pid: number;
  /** What its clients send beside the body. */
  headers: Readonly<Record<string, string>>;
  stop(): void;
}

const started = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of started) child.kill();
});

function launch(args: readonly string[], options: { cwd?: string; env?: Record<string, string> } = {}): ChildProcess {
  const env = { PATH: process.env['PATH'] ?? '', LANG: 'C', ...options.env };
  const child = spawn(process.execPath, args, {
    stdio: ['pipe', 'pipe', 'inherit'],
    env,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  started.add(child);
  child.once('exit', () => started.delete(child));
  return child;
}

async function firstLine(child: ChildProcess): Promise<string> {
  let text = '';
  for await (const chunk of child.stdout!) {
    text += String(chunk);
    const end = text.indexOf('\n');
    if (end !== -1) {
      child.stdout!.resume();
      return text.slice(0, end);
    }
  }
  throw new Error(`${child.spawnargs.join(' ')} ended before it served`);
}

function served(child: ChildProcess, port: number, headers: Record<string, string> = {}): Server {
  return { port, pid: child.pid!, headers, stop: () => void child.kill() };
}

export async function startUpstream(): Promise<Server> {
  const child = launch([join(here, 'gateway-upstream.ts')]);
  const { port } = JSON.parse(await firstLine(child)) as { port: number };
  return served(child, port, { authorization: `Bearer ${key}` });
}

export async function startRelay(upstream: Server): Promise<Server> {
  const child = launch([join(here, 'gateway-relay.ts'), `http://127.0.0.1:${upstream.port}`]);
  const { port } = JSON.parse(await firstLine(child)) as { port: number };
  return served(child, port, { authorization: `Bearer ${key}` });
}

/** The product as a user starts it, every guard on; the limits are there and counted, but too high to be met. */
export async function startRempart(
  upstream: Server,
  dir: string,
  { workers, profile, config = '' }: { workers: number; profile?: string; config?: string },
): Promise<Server> {
  mkdirSync(dir, { recursive: true });
  const lines = [
    'log: warn',
    `providers: [{ name: canned, dialect: openai, url: 'http://127.0.0.1:${upstream.port}', key: env:UPSTREAM_KEY }]`,
    'access: { keys: [{ key: env:BENCH_KEY, subject: bench }] }',
    'limits: { rules: [{ per: user, every: hour, requests: 1000000000 }, { per: user, every: day, tokens: 100000000000 }], sources: { requests: 1000000000 }, concurrency: { perKey: 2000 } }',
    config,
  ];
  writeFileSync(join(dir, 'rempart.yaml'), `${lines.join('\n')}\n`);
  const profiled = profile === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', profile];
  const up = [
    'up',
    '--json',
    '--port',
    '0',
    '--console-port',
    '0',
    ...(workers > 1 ? ['--workers', `${workers}`] : []),
  ];
  const child = launch([...profiled, join(here, '..', 'bin', 'rempart.js'), ...up], {
    cwd: dir,
    env: { BENCH_KEY: key, UPSTREAM_KEY: key },
  });
  const { gatewayUrl } = JSON.parse(await firstLine(child)) as { gatewayUrl: string };
  return served(child, Number(new URL(gatewayUrl).port), { authorization: `Bearer ${key}` });
}

const portkeyVersion = '1.15.2';

/** The npm release without any guard, installed once into `cache`; undefined, with the reason on stderr, where it cannot be. */
export async function startPortkey(upstream: Server, cache: string): Promise<Server | undefined> {
  const main = join(cache, 'node_modules', '@portkey-ai', 'gateway', 'build', 'start-server.js');
  try {
    if (!existsSync(main)) {
      process.stderr.write(`installing @portkey-ai/gateway@${portkeyVersion} into ${cache}\n`);
      mkdirSync(cache, { recursive: true });
      const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefix', cache];
      execFileSync('npm', [...args, `@portkey-ai/gateway@${portkeyVersion}`], { stdio: ['ignore', 'ignore', 'pipe'] });
    }
  } catch (error) {
    process.stderr.write(`Portkey could not be installed, so its row is missing: ${(error as Error).message}\n`);
    return undefined;
  }
  const port = 20_000 + Math.floor(Math.random() * 20_000);
  const child = launch([main, `--port=${port}`, '--headless'], { env: { NODE_ENV: 'production' } });
  child.stdout!.resume();
  for (let tries = 0; tries < 100; tries++) {
    if (child.exitCode !== null) return undefined;
    try {
      await fetch(`http://127.0.0.1:${port}/`);
      break;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  return served(child, port, {
    authorization: `Bearer ${key}`,
    'x-portkey-provider': 'openai',
    'x-portkey-custom-host': `http://127.0.0.1:${upstream.port}/v1`,
  });
}

export interface Load {
  run(task: Task): Promise<Measured>;
  stop(): void;
}

export async function startLoad(): Promise<Load> {
  const child = launch([join(here, 'gateway-load.ts')]);
  return {
    async run(task) {
      const answered = once(child.stdout!, 'data');
      child.stdin!.write(`${JSON.stringify(task)}\n`);
      let text = '';
      for (let [chunk] = (await answered) as [Buffer]; ; [chunk] = (await once(child.stdout!, 'data')) as [Buffer]) {
        text += String(chunk);
        if (text.includes('\n')) return JSON.parse(text) as Measured;
      }
    },
    stop: () => void child.kill(),
  };
}

const ticksPerSecond = 100;

/** Seconds of CPU that a process has used, all its threads together; undefined where /proc does not tell. */
export function cpuSeconds(pid: number): number | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
    return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
  } catch {
    return undefined;
  }
}

export function rssMegabytes(pid: number): number | undefined {
  try {
    const kilobytes = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) / 1_024;
  } catch {
    return undefined;
  }
}
