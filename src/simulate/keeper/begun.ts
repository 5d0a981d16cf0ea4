// What the keeper's faults share: what they are given, and what they give back to be ended.
import type { ChildProcess } from 'node:child_process';
import { processStartTime } from '../../platform/base/process-identity.ts';
import { endGroup, type UndoLog } from '../faults/process/undo-log.ts';
import type { MemoryCgroup } from '../faults/resource/cgroup.ts';
import type { EvidenceOf, Fact } from '../scenarios/evidence.ts';
import type { DatabaseRelay } from './database-relay.ts';
import type { FaultProxy } from './fault-proxy.ts';
import type { FaultReply } from './protocol.ts';
import type { TargetCommand } from './target-process.ts';

export interface KeeperParts {
  /** Milliseconds on the run's clock. */
  now: () => number;
  undoLog: UndoLog;
  undoDir: string;
  record: (fact: Fact) => void;
}

export type LedgerCall = Omit<EvidenceOf<'upstream'>, 'id'>;

export interface BeginParts extends KeeperParts {
  proxy: FaultProxy;
  /** To the target's database server; null when it has none. */
  relay: DatabaseRelay | null;
  /** The method's upstream calls so far, as the fault proxy saw them end. */
  ledger: readonly LedgerCall[];
  target: TargetControl;
  leaseMs: number;
  number: number;
}

/** The target's process in a fault's hands. */
export interface TargetControl {
  /** The memory group it lives in; null when it has none of its own. */
  cgroup(): MemoryCgroup | null;
  /** Ends it and starts it otherwise, in the same places; without a command as it was at first. */
  restart(command?: TargetCommand): Promise<void>;
}

export type Begun = { impossible: string } | { proved: boolean; proof: string; end: () => Promise<FaultReply> };

/** A helper process goes into the undo log too: should the keeper die, the next start ends it if it has not ended itself. */
export function logChild(child: ChildProcess, what: string, parts: BeginParts): () => void {
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
