// The keeper: holds leases, the undo log, the burners and the target's process group, and puts everything back when a lease or its runner ends.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { processStartTime } from '../../platform/base/process-identity.ts';
import type { Dialect } from '../../platform/wire/dialect.ts';
import { faultName } from '../faults/call-faults.ts';
import type { Fault } from '../faults/fault.ts';
import {
  copyDatabase,
  databaseAnswers,
  isRestored,
  overwriteDatabase,
  restoreDatabase,
} from '../faults/process/database-files.ts';
import { planPermission, removePermission, restorePermission } from '../faults/process/database-permission.ts';
import { endGroup, type UndoLog } from '../faults/process/undo-log.ts';
import { burnCpu } from '../faults/resource/cpu.ts';
import type { Fact } from '../scenarios/evidence.ts';
import { type Standin, startStandin } from '../standin/standin.ts';
import { startAlertSink } from './alert-sink.ts';
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts';
import type { Commands, FaultReply, PrepareOptions } from './protocol.ts';
import { startTarget, type TargetCommand, type TargetProcess } from './target-process.ts';

export interface KeeperParts {
  /** Milliseconds on the run's clock. */
  now: () => number;
  undoLog: UndoLog;
  undoDir: string;
  record: (fact: Fact) => void;
}

export type Keeper = {
  [C in keyof Commands]: (args: Commands[C]['args']) => Promise<Commands[C]['reply']>;
} & {
  /** Undoes whatever is broken and ends what was started; safe to call at any moment. */
  restoreAll(): Promise<void>;
};

/** A fault that is on: how to end it, once, whoever asks first. */
interface Lease {
  end: () => Promise<FaultReply>;
}

interface Stage {
  proxy: FaultProxy;
  standin: Standin | null;
  sink: { close(): Promise<void> };
  dialect: Dialect;
}

export function createKeeper(parts: KeeperParts): Keeper {
  let stage: Stage | null = null;
  let target: TargetProcess | null = null;
  let command: TargetCommand | null = null;
  let targetUndone: (() => void) | null = null;
  let lease: Lease | null = null;
  let leases = 0;

  const launch = (what: TargetCommand): number => {
    const started = startTarget(what, (detail) =>
      parts.record({ kind: 'process', t: parts.now(), state: 'exited', detail }),
    );
    target = started;
    if (started.pid > 0) {
      const undo = { kind: 'process', what: 'target', pid: started.pid, startTime: started.startTime } as const;
      targetUndone = parts.undoLog.write(undo, new Date(Date.now() + 3_600_000));
    }
    return started.pid;
  };
  const stopTarget = async () => {
    const stopping = target;
    target = null;
    await stopping?.stop(3000);
    targetUndone?.();
    targetUndone = null;
    return stopping?.logs() ?? [];
  };

  const keeper: Keeper = {
    prepare: async (args) => {
      const prepared = await prepareStage(args, parts);
      stage = prepared.stage;
      return { upstreamUrl: prepared.stage.proxy.url, alertsUrl: prepared.alertsUrl };
    },
    'start-target': async (args) => {
      command = args;
      const pid = launch(args);
      parts.record({ kind: 'process', t: parts.now(), state: 'started', detail: '' });
      return { pid };
    },
    'restart-target': async () => {
      if (command === null) throw new Error('no target was started');
      await stopTarget();
      const pid = launch(command);
      parts.record({ kind: 'process', t: parts.now(), state: 'restarted', detail: 'by the simulator, once' });
      return { pid };
    },
    logs: async () => ({ logs: target?.logs() ?? [] }),
    'stop-target': async () => ({ logs: await stopTarget() }),
    inject: async ({ fault, leaseMs }) => {
      if (stage === null) throw new Error('nothing was prepared');
      if (lease !== null) throw new Error('a fault is already on');
      const number = ++leases;
      const begun = await begin(fault, { ...parts, proxy: stage.proxy, leaseMs, number });
      if ('impossible' in begun) return { t: parts.now(), proved: false, proof: '', impossible: begun.impossible };
      let ending: Promise<FaultReply> | null = null;
      const end = () => {
        ending ??= begun.end();
        return ending;
      };
      lease = { end };
      // The deadline is the keeper's own: it undoes the fault whatever became of the runner.
      setTimeout(() => void end().catch(() => undefined), leaseMs).unref();
      return { t: parts.now(), proved: begun.proved, proof: begun.proof };
    },
    clear: async () => {
      const ending = lease;
      lease = null;
      if (ending === null) return { t: parts.now(), proved: false, proof: 'no fault was on' };
      return ending.end();
    },
    clean: async () => {
      await closeStage(stage);
      stage = null;
      return {};
    },
    restoreAll: async () => {
      await lease?.end().catch(() => undefined);
      lease = null;
      await stopTarget();
      await closeStage(stage);
      stage = null;
    },
  };
  return keeper;
}

async function prepareStage(args: PrepareOptions, parts: KeeperParts): Promise<{ stage: Stage; alertsUrl: string }> {
  const standin =
    args.real === null
      ? await startStandin({
          dialect: args.dialect,
          keys: args.dialect === 'ollama' ? [] : [{ key: args.keys.primary }, { key: args.keys.spare }],
          seed: args.seed,
          tokensPerSecond: args.tokensPerSecond,
        })
      : null;
  const proxy = await startFaultProxy({
    host: args.host,
    port: args.port,
    upstream: args.real ?? standin?.url ?? '',
    dialect: args.dialect,
    keys: args.keys,
    now: parts.now,
    record: parts.record,
  });
  const sink = await startAlertSink((body) => parts.record({ kind: 'alert', t: parts.now(), body }));
  return { stage: { proxy, standin, sink, dialect: args.dialect }, alertsUrl: sink.url };
}

async function closeStage(stage: Stage | null): Promise<void> {
  await stage?.proxy.close();
  await stage?.standin?.close();
  await stage?.sink.close();
}

interface BeginParts extends KeeperParts {
  proxy: FaultProxy;
  leaseMs: number;
  number: number;
}
type Begun = { impossible: string } | { proved: boolean; proof: string; end: () => Promise<FaultReply> };

async function begin(fault: Fault, parts: BeginParts): Promise<Begun> {
  switch (fault.type) {
    case 'status':
    case 'silent':
    case 'mid-request':
    case 'mid-stream': {
      parts.proxy.setFault(fault);
      const end = async () => {
        const touched = parts.proxy.touched();
        parts.proxy.setFault(null);
        return { t: parts.now(), proved: touched > 0, proof: `${faultName(fault)} touched ${touched} calls` };
      };
      return { proved: true, proof: `calls are decided by ${faultName(fault)}`, end };
    }
    case 'refused':
      return refuse(parts);
    case 'database':
      return breakDatabase(fault, parts);
    case 'cpu':
      return saturate(fault, parts);
  }
}

async function refuse({ proxy, now }: BeginParts): Promise<Begun> {
  await proxy.refuse();
  const refused = await isRefused(proxy.url);
  const end = async () => {
    await proxy.listen();
    return {
      t: now(),
      proved: refused,
      proof: refused ? 'a connection of our own was refused' : 'a connection of our own went through',
    };
  };
  return { proved: refused, proof: 'the listener is closed', end };
}

async function isRefused(url: string): Promise<boolean> {
  try {
    await fetch(url, { signal: AbortSignal.timeout(1000) });
    return false;
  } catch (error) {
    return ((error as Error).cause as NodeJS.ErrnoException | undefined)?.code === 'ECONNREFUSED';
  }
}

async function breakDatabase(fault: Extract<Fault, { type: 'database' }>, parts: BeginParts): Promise<Begun> {
  if (!existsSync(fault.file)) return { impossible: 'the target made no database at the path it was given' };
  switch (fault.how) {
    case 'stopped':
    case 'corrupted':
      return overwrite(fault.file, fault.how, parts);
    case 'permission':
      return forbid(fault.file, parts);
    case 'locked':
      return lock(fault.file, parts);
  }
}

function overwrite(file: string, how: 'stopped' | 'corrupted', parts: BeginParts): Begun {
  let copied: ReturnType<typeof copyDatabase>;
  try {
    copied = copyDatabase(file, join(parts.undoDir, `copy-${process.pid}-${parts.number}`));
  } catch {
    return { impossible: 'no write lock could be had on the database, so no consistent copy' };
  }
  const undone = parts.undoLog.write(copied.undo, new Date(Date.now() + parts.leaseMs));
  overwriteDatabase(copied.undo, how);
  copied.release();
  const broken = databaseAnswers(file);
  const end = async () => {
    const stillBroken = databaseAnswers(file);
    restoreDatabase(copied.undo);
    const restored = isRestored(copied.undo);
    undone();
    const answers = databaseAnswers(file);
    return {
      t: parts.now(),
      proved: !stillBroken.ok && answers.ok,
      proof: `a connection of our own failed (${stillBroken.why}); after the restore: ${answers.why}, bytes ${restored ? 'as before' : 'already written to by the target'}`,
    };
  };
  return { proved: !broken.ok, proof: `a connection of our own fails: ${broken.why}`, end };
}

function forbid(file: string, parts: BeginParts): Begun {
  const undo = planPermission(file);
  const undone = parts.undoLog.write(undo, new Date(Date.now() + parts.leaseMs));
  if (!removePermission(undo)) {
    restorePermission(undo);
    undone();
    return { impossible: 'this file system has no immutable attribute, or we lack the right to set it' };
  }
  const end = async () => {
    restorePermission(undo);
    undone();
    const answers = databaseAnswers(file);
    return { t: parts.now(), proved: answers.ok, proof: `after the restore: ${answers.why}` };
  };
  return { proved: true, proof: 'the files are immutable', end };
}

async function lock(file: string, parts: BeginParts): Promise<Begun> {
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, '../faults/process/lock-holder.ts'), file, String(parts.leaseMs)],
    {
      stdio: ['pipe', 'pipe', 'ignore'],
      detached: true,
      env: {},
    },
  );
  const undone = logChild(child, 'lock holder', parts);
  const held = await Promise.race([
    new Promise<boolean>((resolve) => child.stdout.once('data', () => resolve(true))),
    new Promise<boolean>((resolve) => child.once('exit', () => resolve(false))),
  ]);
  const exited = new Promise<void>((resolve) =>
    child.exitCode === null ? child.once('exit', () => resolve()) : resolve(),
  );
  const release = async () => {
    child.stdin.end();
    const late = setTimeout(() => child.kill('SIGKILL'), 1000);
    await exited;
    clearTimeout(late);
    undone();
  };
  if (!held) {
    await release();
    return { impossible: 'no exclusive lock could be had on the database' };
  }
  const broken = databaseAnswers(file);
  const end = async () => {
    const stillBroken = databaseAnswers(file);
    await release();
    const answers = databaseAnswers(file);
    return {
      t: parts.now(),
      proved: !stillBroken.ok && answers.ok,
      proof: `a connection of our own failed (${stillBroken.why}); afterwards: ${answers.why}`,
    };
  };
  return { proved: !broken.ok, proof: `a connection of our own fails: ${broken.why}`, end };
}

function saturate(fault: Extract<Fault, { type: 'cpu' }>, parts: BeginParts): Begun {
  const burning = burnCpu(fault.threads, parts.leaseMs);
  const undone = logChild(burning.child, 'CPU burner', parts);
  const end = async () => {
    const dose = burning.dose();
    await burning.stop();
    undone();
    const proved = dose.busyShare >= 0.8 && dose.samples >= 4;
    return {
      t: parts.now(),
      proved,
      proof: `host at least 90 % busy in ${Math.round(dose.busyShare * 100)} % of ${dose.samples} samples`,
      dose,
    };
  };
  return { proved: true, proof: `${fault.threads} threads burn CPU`, end };
}

/** A helper process goes into the undo log too: should the keeper die, the next start ends it if it has not ended itself. */
function logChild(child: ChildProcess, what: string, parts: BeginParts): () => void {
  if (child.pid === undefined) return () => undefined;
  const startTime = processStartTime(child.pid);
  const undone = parts.undoLog.write(
    { kind: 'process', what, pid: child.pid, startTime },
    new Date(Date.now() + parts.leaseMs),
  );
  return () => {
    endGroup(child.pid ?? -1, startTime);
    undone();
  };
}
