// The keeper: holds leases, the undo log, the burners and the target's process group, and puts everything back when a lease or its runner ends.
import { randomUUID } from 'node:crypto';
import type { Dialect } from '../../platform/wire/dialect.ts';
import { undoOne } from '../faults/process/undo-log.ts';
import { createMemoryCgroup, type MemoryCgroup, removeCgroup } from '../faults/resource/cgroup.ts';
import { type Standin, startStandin } from '../standin/standin.ts';
import { startAlertSink } from './alert-sink.ts';
import { beginFault } from './begin-fault.ts';
import type { KeeperParts, LedgerCall, TargetControl } from './begun.ts';
import { type DatabaseRelay, startDatabaseRelay } from './database-relay.ts';
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts';
import { createFreshDatabase, type FreshDatabase } from './fresh-database.ts';
import type { Commands, FaultReply, PrepareOptions } from './protocol.ts';
import { startTarget, type TargetCommand, type TargetProcess } from './target-process.ts';

const maxLogLength = 1024 * 1024;

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
  relay: DatabaseRelay | null;
  fresh: FreshDatabase | null;
  dialect: Dialect;
  ledger: LedgerCall[];
}

export function createKeeper(parts: KeeperParts): Keeper {
  let stage: Stage | null = null;
  let target: TargetProcess | null = null;
  let command: TargetCommand | null = null;
  let targetUndone: (() => void) | null = null;
  let lease: Lease | null = null;
  let leases = 0;
  /** What earlier processes of this target wrote: a restart must not lose it. */
  let written: Record<string, string> = {};
  let closing = false;
  let cgroup: { group: MemoryCgroup; undone: () => void } | null = null;

  const makeCgroup = () => {
    const group = createMemoryCgroup(`rempart-${randomUUID()}`);
    // Empty until the target is in it: should we die right here, nothing is bound by it.
    const undo = group === null ? null : ({ kind: 'cgroup', path: group.path } as const);
    return group === null || undo === null
      ? null
      : { group, undone: parts.undoLog.write(undo, new Date(Date.now() + 3_600_000)) };
  };
  const dropCgroup = () => {
    if (cgroup === null) return;
    removeCgroup(cgroup.group.path);
    cgroup.undone();
    cgroup = null;
  };
  const launch = (what: TargetCommand): number => {
    if (what.ownMemory && cgroup === null) cgroup = makeCgroup();
    const started = startTarget(
      what,
      (detail) => parts.record({ kind: 'process', t: parts.now(), state: 'exited', detail }),
      cgroup?.group ?? null,
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
    const logs = whole(stopping);
    for (const { channel, text } of logs) if (channel !== 'file') written[channel] = text;
    return logs;
  };
  const whole = (process: TargetProcess | null) =>
    (process?.logs() ?? []).map(({ channel, text }) => ({
      channel,
      text: channel === 'file' ? text : `${written[channel] ?? ''}${text}`.slice(0, maxLogLength),
    }));
  const control: TargetControl = {
    cgroup: () => cgroup?.group ?? null,
    restart: async (otherwise) => {
      const what = otherwise ?? command;
      if (what === null) throw new Error('no target was started');
      await stopTarget();
      if (closing) return;
      launch(what);
      const detail = otherwise === undefined ? 'by the simulator, as before' : 'by the simulator, with another setting';
      parts.record({ kind: 'process', t: parts.now(), state: 'reconfigured', detail });
    },
  };

  let ownFolder: (() => void) | null = null;

  const keeper: Keeper = {
    'own-folder': async ({ path }) => {
      const undo = { kind: 'directory', path } as const;
      const undone = parts.undoLog.write(undo, new Date(Date.now() + 24 * 3_600_000));
      ownFolder = () => {
        undoOne(undo);
        undone();
      };
      return {};
    },
    prepare: async (args) => {
      const prepared = await prepareStage(args, parts);
      stage = prepared.stage;
      const { proxy, relay } = prepared.stage;
      const name = prepared.stage.fresh?.name ?? null;
      const database = relay === null ? null : { host: relay.host, port: relay.port, name };
      return { upstreamUrl: proxy.url, certificate: proxy.certificate, alertsUrl: prepared.alertsUrl, database };
    },
    'start-target': async (args) => {
      command = args;
      written = {};
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
    logs: async () => ({ logs: whole(target) }),
    'stop-target': async () => ({ logs: await stopTarget() }),
    inject: async ({ fault, leaseMs }) => {
      if (stage === null) throw new Error('nothing was prepared');
      if (lease !== null) throw new Error('a fault is already on');
      const number = ++leases;
      const begun = await beginFault(fault, {
        ...parts,
        proxy: stage.proxy,
        relay: stage.relay,
        ledger: stage.ledger,
        target: control,
        leaseMs,
        number,
      });
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
      if (target === null) dropCgroup();
      await closeStage(stage);
      stage = null;
      return {};
    },
    restoreAll: async () => {
      closing = true;
      // Each on its own: what cannot be put back now must not keep the rest from it. The undo log still holds it.
      const each = [
        async () => void (await lease?.end()),
        async () => void (await stopTarget()),
        async () => dropCgroup(),
        () => closeStage(stage),
        async () => ownFolder?.(),
      ];
      for (const undo of each) await undo().catch(() => undefined);
      lease = null;
      stage = null;
      ownFolder = null;
      closing = false;
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
  const ledger: LedgerCall[] = [];
  const proxy = await startFaultProxy({
    host: args.host,
    port: args.port,
    upstream: args.real ?? standin?.url ?? '',
    dialect: args.dialect,
    hosts: args.hosts ?? [],
    keys: args.keys,
    now: parts.now,
    record: (call) => {
      ledger.push(call);
      parts.record(call);
    },
  });
  const sink = await startAlertSink((body) => parts.record({ kind: 'alert', t: parts.now(), body }));
  const database = args.database ?? null;
  const fresh = database?.kind === 'postgres' ? await createFreshDatabase(database.url) : null;
  const relay =
    database === null
      ? null
      : await startDatabaseRelay({
          host: args.host,
          server: { host: database.host, port: database.port },
          kind: database.kind,
        });
  return { stage: { proxy, standin, sink, relay, fresh, dialect: args.dialect, ledger }, alertsUrl: sink.url };
}

async function closeStage(stage: Stage | null): Promise<void> {
  await stage?.proxy.close();
  await stage?.standin?.close();
  await stage?.sink.close();
  await stage?.relay?.close();
  await stage?.fresh?.drop();
}
