// A real Rempart as a child process for tests: started on free ports, ended by its own pid.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';

const main = join(import.meta.dirname, '..', 'bin', 'rempart.js');

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface Running {
  child: ChildProcess;
  stdout(): string;
  stderr(): string;
  ended: Promise<Ended>;
}

export interface Place {
  dir: string;
  remove(): void;
}

export function makePlace(): Place {
  const dir = mkdtempSync(join(tmpdir(), 'rempart-test-'));
  return { dir, remove: () => rmSync(dir, { recursive: true, force: true }) };
}

const living = new Set<ChildProcess>();
const endAll = () => {
  for (const child of living) child.kill('SIGKILL');
};
process.on('exit', endAll);
// What a test that failed before its clean-up left running would hold its file up for ever.
after(() => void setTimeout(endAll, 60_000).unref());

/** Starts the program; nothing of the test's own environment but PATH reaches it. */
export function start(args: readonly string[], options: { cwd: string; env?: Record<string, string> }): Running {
  const child = spawn(process.execPath, [main, ...args], {
    cwd: options.cwd,
    env: { PATH: process.env['PATH'] ?? '', LANG: 'C', ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  living.add(child);
  child.once('exit', () => living.delete(child));
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString('utf8');
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString('utf8');
  });
  const ended = once(child, 'close').then(() => ({ code: child.exitCode, stdout, stderr }));
  return { child, stdout: () => stdout, stderr: () => stderr, ended };
}

export function run(args: readonly string[], options: { cwd: string; env?: Record<string, string> }): Promise<Ended> {
  return start(args, options).ended;
}

export interface Instance extends Running {
  gatewayUrl: string;
  consoleUrl: string;
  password?: string;
  apiKey?: string;
  stop(): Promise<Ended>;
}

/** `rempart up --json` on free ports, once it serves. */
export async function startInstance(
  args: readonly string[],
  options: { cwd: string; env?: Record<string, string>; withinMs?: number },
): Promise<Instance> {
  const running = start(['up', '--json', '--port', '0', '--console-port', '0', ...args], options);
  await until(() => running.stdout().includes('\n') || running.child.exitCode !== null, options.withinMs).catch(
    (error) => {
      running.child.kill('SIGKILL');
      throw error;
    },
  );
  const [line = ''] = running.stdout().split('\n');
  if (!line.startsWith('{"schema"')) throw new Error(`up did not start: ${running.stdout()}${running.stderr()}`);
  const told = JSON.parse(line) as Pick<Instance, 'gatewayUrl' | 'consoleUrl' | 'password' | 'apiKey'>;
  return {
    ...running,
    ...told,
    stop() {
      running.child.kill('SIGINT');
      return running.ended;
    },
  };
}

/** Waits until `happened`; fails after `withinMs`. */
export async function until(happened: () => boolean | Promise<boolean>, withinMs = 120_000): Promise<void> {
  const end = Date.now() + withinMs;
  while (!(await happened())) {
    if (Date.now() > end) throw new Error(`did not happen within ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
