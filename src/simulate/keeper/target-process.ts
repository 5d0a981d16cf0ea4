// The target as a child in a process group of its own, its output kept, its end noticed.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { processStartTime } from '../../platform/base/process-identity.ts';
import { endGroup } from '../faults/process/undo-log.ts';
import { inCgroup, type MemoryCgroup } from '../faults/resource/cgroup.ts';

export interface TargetCommand {
  command: string[];
  cwd: string;
  env: Record<string, string>;
  /** stdout, stderr, and paths of files. */
  logs: string[];
  /** Started in a memory group of its own, where this machine lets us make one. */
  ownMemory?: boolean;
}

export interface TargetProcess {
  pid: number;
  startTime: string | null;
  alive(): boolean;
  /** What each log holds so far; at most 1 MiB each, the beginning kept. */
  logs(): { channel: string; text: string }[];
  /** SIGTERM to the group, SIGKILL after the grace. */
  stop(graceMs: number): Promise<void>;
}

const maxLogBytes = 1024 * 1024;

/** Starts it; `onExit` is called once when it ends without having been stopped. */
export function startTarget(
  target: TargetCommand,
  onExit: (detail: string) => void,
  cgroup: MemoryCgroup | null = null,
): TargetProcess {
  const [first = '', ...rest] = target.command;
  // `node` means the Node that runs Rempart: the machine's own may be too old for what a profile starts.
  const asked = [first === 'node' ? process.execPath : first, ...rest];
  const [name = '', ...args] = cgroup === null ? asked : inCgroup(cgroup, asked);
  const child = spawn(name, args, {
    cwd: target.cwd,
    env: target.env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const pid = child.pid ?? -1;
  const startTime = pid === -1 ? null : processStartTime(pid);
  const texts = { stdout: '', stderr: '' };
  for (const channel of ['stdout', 'stderr'] as const) {
    child[channel].on('error', () => undefined);
    child[channel].on('data', (chunk: Buffer) => {
      if (texts[channel].length < maxLogBytes) texts[channel] += chunk.toString('utf8');
    });
  }
  let ended: string | null = null;
  let stopping = false;
  const exited = new Promise<void>((resolve) => {
    const end = (detail: string) => {
      if (ended !== null) return;
      ended = detail;
      if (!stopping) onExit(detail);
      resolve();
    };
    child.once('error', (error) => end(`could not start: ${(error as NodeJS.ErrnoException).code ?? error.name}`));
    child.once('exit', (code, signal) => end(signal === null ? `exit code ${code}` : `signal ${signal}`));
  });
  return {
    pid,
    startTime,
    alive: () => ended === null,
    logs: () =>
      target.logs.map((channel) => ({
        channel: channel === 'stdout' || channel === 'stderr' ? channel : 'file',
        text: channel === 'stdout' || channel === 'stderr' ? texts[channel] : readLog(channel),
      })),
    stop: async (graceMs) => {
      stopping = true;
      if (ended === null && pid > 0) {
        signalGroup(pid, 'SIGTERM');
        let grace: NodeJS.Timeout | undefined;
        const patience = new Promise((resolve) => {
          grace = setTimeout(resolve, graceMs);
        });
        await Promise.race([exited, patience]);
        clearTimeout(grace); // it would keep the keeper's process, and with it Ctrl-C, waiting
      }
      if (pid > 0) endGroup(pid, startTime);
      await exited;
    },
  };
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // it ended in the meantime
  }
}

function readLog(path: string): string {
  try {
    return readFileSync(path, 'utf8').slice(0, maxLogBytes);
  } catch {
    return '';
  }
}
