// A program run to its end: in a process group of its own, in a clean environment, for a time, with so much output and no more.
import { spawn } from 'node:child_process';

export interface ProgramRun {
  program: string;
  args: readonly string[];
  env: Readonly<Record<string, string>>;
  /** Written to it, then closed; without it there is nothing to read. */
  input?: string;
  timeoutMs: number;
  /** Of each of its two outputs; the rest is read and counted. */
  maxBytes: number;
  signal: AbortSignal;
}

export interface ProgramEnd {
  /** Null when it was ended by a signal. */
  exit: number | null;
  stdout: string;
  stderr: string;
  /** Bytes of output beyond what was kept. */
  dropped: number;
  timedOut: boolean;
}

/** Between asking a group to end and ending it. */
const graceMs = 1_000;

/** Rejects with the signal's reason, and with the system's error when it cannot be started. */
export function runProgram(run: ProgramRun): Promise<ProgramEnd> {
  const { program, args, env, input, timeoutMs, maxBytes, signal } = run;
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const child = spawn(program, args, {
      env: { ...env },
      cwd: '/',
      detached: true,
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    });
    const stdout = keepFirst(maxBytes);
    const stderr = keepFirst(maxBytes);
    child.stdout?.on('data', stdout.add);
    child.stderr?.on('data', stderr.add);
    // A program that reads nothing closes its end first.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
    let timedOut = false;
    let closed = false;
    const kill = (name: NodeJS.Signals) => {
      if (!closed) killGroup(child.pid, name);
    };
    const endGroup = () => {
      kill('SIGTERM');
      setTimeout(() => kill('SIGKILL'), graceMs).unref();
    };
    const timer = setTimeout(() => {
      timedOut = true;
      endGroup();
    }, timeoutMs);
    signal.addEventListener('abort', endGroup, { once: true });
    const settle = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', endGroup);
    };
    child.once('error', (error) => {
      settle();
      reject(error);
    });
    // What it leaves behind would hold its outputs open: those of its group are ended, others no longer heard.
    child.once('exit', () =>
      setTimeout(() => {
        kill('SIGKILL');
        child.stdout?.destroy();
        child.stderr?.destroy();
      }, graceMs / 5),
    );
    child.once('close', (exit) => {
      kill('SIGKILL');
      closed = true;
      settle();
      if (signal.aborted) return reject(signal.reason as Error);
      const dropped = stdout.dropped() + stderr.dropped();
      resolve({ exit, stdout: stdout.text(), stderr: stderr.text(), dropped, timedOut });
    });
  });
}

function killGroup(group: number | undefined, signal: NodeJS.Signals): void {
  try {
    if (group !== undefined) process.kill(-group, signal);
  } catch {
    // Nobody is left in it.
  }
}

function keepFirst(maxBytes: number) {
  const kept: Buffer[] = [];
  let size = 0;
  let dropped = 0;
  return {
    add(chunk: Buffer) {
      const part = chunk.subarray(0, Math.max(0, maxBytes - size));
      kept.push(part);
      size += part.length;
      dropped += chunk.length - part.length;
    },
    text: () => Buffer.concat(kept).toString('utf8'),
    dropped: () => dropped,
  };
}
