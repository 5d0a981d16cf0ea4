// Drills side by side: a few lanes, each a process of its own, and a keeper that clears everything away should this process be killed.
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { threadUrl } from '../platform/base/thread.ts';
import type { DrilledScenario } from '../platform/documents/drill.ts';
import type { Lang } from '../platform/i18n/say.ts';
import { clearSandbox, makeSandboxRoot, ownProcess, sandboxPrefix, sweepSandboxes } from '../respond/drills/owned.ts';
import type { LaneAnswer, LaneOrder } from './drill-lane.ts';

export interface LanesOptions {
  dryRun: boolean;
  lang: Lang;
  /** Those that are held first, one by one. */
  alone: (scenario: string) => boolean;
  /** Lanes at once. */
  lanes: number;
  podman: boolean;
  /** Where each sandbox is copied to before it is cleared away. */
  keep?: string;
  /** PATH for what a sandbox starts. */
  path: string;
  /** A scenario whose lane ended or took too long. */
  lost: (scenario: string, why: 'lane-ended' | 'took-too-long') => DrilledScenario;
  onDone: (done: DrilledScenario) => void;
  signal: AbortSignal;
}

/** A drill that takes longer hangs. */
const longestMs = 150_000;

/** In the order in which they were asked for; fewer when it was interrupted. */
export async function runLanes(scenarios: readonly string[], options: LanesOptions): Promise<DrilledScenario[]> {
  // What an earlier run that was killed together with its keeper has left.
  sweepSandboxes();
  const root = makeSandboxRoot(mkdtempSync(join(tmpdir(), sandboxPrefix)));
  const keeper = startKeeper(root, options.path);
  const done = new Map<string, DrilledScenario>();
  try {
    const alone = scenarios.filter(options.alone);
    await lane(root, alone, done, options);
    const waiting = scenarios.filter((scenario) => !options.alone(scenario));
    const count = Math.min(options.lanes, waiting.length);
    await Promise.all(Array.from({ length: count }, () => lane(root, waiting, done, options)));
  } finally {
    clearSandbox(root);
    await keeper.end();
  }
  return scenarios.flatMap((scenario) => done.get(scenario) ?? []);
}

async function lane(
  root: string,
  waiting: string[],
  done: Map<string, DrilledScenario>,
  options: LanesOptions,
): Promise<void> {
  let child: ChildProcess | undefined;
  const stop = () => child?.kill('SIGTERM');
  options.signal.addEventListener('abort', stop);
  try {
    for (let next = waiting.shift(); next !== undefined && !options.signal.aborted; next = waiting.shift()) {
      child ??= startLane(root, options.path);
      // Numbers, not names: sockets have short paths.
      const dir = join(root, `${done.size}-${Math.random().toString(36).slice(2, 6)}`);
      const result = await ask(child, { ...orderOf(options), scenario: next, dir }, options.signal);
      if (options.signal.aborted) return;
      if (options.keep !== undefined) keepCopy(dir, join(options.keep, next));
      // A lane that is lost leaves processes; one that is well leaves a directory.
      const { killed } = clearSandbox(dir);
      const drilled = typeof result === 'string' ? options.lost(next, result) : leftBehind(result, killed);
      if (typeof result === 'string') {
        child.kill('SIGKILL');
        child = undefined;
      }
      done.set(next, drilled);
      options.onDone(drilled);
    }
  } finally {
    options.signal.removeEventListener('abort', stop);
    if (child?.connected) child.disconnect();
    await ended(child, 5_000);
  }
}

function orderOf({ dryRun, lang, podman }: LanesOptions): Pick<LaneOrder, 'dryRun' | 'lang' | 'podman'> {
  return { dryRun, lang, podman };
}

/** A sandbox that ended must have ended everything in it. */
function leftBehind(drilled: DrilledScenario, killed: readonly number[]): DrilledScenario {
  if (killed.length === 0) return drilled;
  const facts = { processes: killed.length };
  const check = { phase: 'closed' as const, name: 'nothing-left', ok: false, text: 'nothing-left', facts };
  return { ...drilled, result: 'failed', checks: [...drilled.checks, check] };
}

function startLane(root: string, path: string): ChildProcess {
  const child = fork(threadUrl('drill-lane', import.meta.url), {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    execArgv: [],
    env: { PATH: path },
  });
  if (child.pid !== undefined) ownProcess(root, child.pid);
  return child;
}

function ask(
  child: ChildProcess,
  order: LaneOrder,
  signal: AbortSignal,
): Promise<DrilledScenario | 'lane-ended' | 'took-too-long'> {
  return new Promise((resolve) => {
    const settle = (result: DrilledScenario | 'lane-ended' | 'took-too-long') => {
      clearTimeout(timer);
      child.off('message', onMessage);
      child.off('exit', onExit);
      signal.removeEventListener('abort', onExit);
      resolve(result);
    };
    const onMessage = (answer: LaneAnswer) => {
      if (answer.scenario === order.scenario) settle(answer.done);
    };
    const onExit = () => settle('lane-ended');
    const timer = setTimeout(() => settle('took-too-long'), longestMs);
    child.on('message', onMessage);
    child.once('exit', onExit);
    signal.addEventListener('abort', onExit);
    child.send(order);
  });
}

async function ended(child: ChildProcess | undefined, withinMs: number): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  await new Promise<void>((resolve) => {
    const late = setTimeout(() => child.kill('SIGKILL'), withinMs);
    child.once('exit', () => {
      clearTimeout(late);
      resolve();
    });
  });
}

function startKeeper(root: string, path: string): { end(): Promise<void> } {
  const program = threadUrl('keeper-process', new URL('../respond/drills/owned.ts', import.meta.url).href);
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program.pathname, root], {
    // A session of its own: what ends this process does not end it.
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    env: { PATH: path },
  });
  child.stdin.on('error', () => undefined);
  return {
    end: () =>
      new Promise((resolve) => {
        child.once('exit', () => resolve());
        child.stdin.end();
      }),
  };
}

function keepCopy(from: string, to: string): void {
  mkdirSync(to, { recursive: true, mode: 0o700 });
  // Sockets cannot be copied and are of no use afterwards.
  cpSync(from, to, { recursive: true, filter: (source) => !/(\.sock|\/s)$/.test(source) });
}
