// What makes a run durable: a log of what was decided and done, read back after a crash; whoever holds the run is the only writer.
import type { Json, JsonObject } from '../../platform/base/json.ts';

export type RunState = 'waiting' | 'running' | 'done' | 'failed' | 'cancelled';

export interface RunRecord {
  id: string;
  playbook: string;
  playbookName: string;
  /** Of the canonical JSON: a run goes on only with exactly the playbook that it began with. */
  playbookHash: string;
  /** The playbook itself, so that a run survives a change of the file. */
  playbookText: string;
  incident: string | null;
  /** Values of external variables. */
  given: Readonly<Record<string, string | null>>;
  requestedBy: string;
  state: RunState;
  /** Code of the error that ended it. */
  code: string | null;
  node: string | null;
  /** Counts the holders: an older one has no say any more. */
  epoch: number;
  createdAt: number;
  endedAt: number | null;
}

export type NewRun = Pick<
  RunRecord,
  'id' | 'playbook' | 'playbookName' | 'playbookHash' | 'playbookText' | 'incident' | 'given' | 'requestedBy'
>;

/** The run goes on elsewhere or later; nothing about the playbook failed. */
export class RunInterrupted extends Error {
  override readonly name = 'RunInterrupted';
}

/** A run in the hands of this node. */
export interface HeldRun {
  record: RunRecord;
  recall(key: string): Json | undefined;
  /** On disk before it resolves. Rejects RunInterrupted when it cannot be, or when the run is another node's by now, or was ended. */
  remember(key: string, value: Json): Promise<void>;
  /** All that is remembered, in order. */
  memory(): readonly { key: string; value: Json; at: number }[];
}

export interface RunLog {
  create(run: NewRun): Promise<RunRecord>;
  /** The oldest run that nobody holds, or whose holder has not been heard of for a lease; never a second one of an incident. */
  claim(node: string, leaseMs: number): Promise<HeldRun | null>;
  /** That one run, ended ones too (to undo). Null while another node holds it. */
  take(id: string, node: string, leaseMs: number): Promise<HeldRun | null>;
  renew(held: HeldRun, leaseMs: number): Promise<boolean>;
  end(held: HeldRun, state: 'done' | 'failed' | 'cancelled', code: string | null): Promise<boolean>;
  /** Gives it back, for a node that is told to stop. */
  release(held: HeldRun): Promise<void>;
  /** Whoever holds it notices within a heartbeat. */
  cancel(id: string): Promise<boolean>;
  find(id: string): Promise<RunRecord | null>;
  list(filter?: { incident?: string; states?: readonly RunState[] }): Promise<RunRecord[]>;
  memory(id: string): Promise<{ key: string; value: Json; at: number }[]>;
}

/** A question to people: an approval, a task by hand, or whether something happened before a crash. */
export interface Task {
  id: string;
  run: string;
  incident: string | null;
  step: string;
  kind: 'approval' | 'manual' | 'unknown';
  /** What is asked: the planned effects, or the command by hand. No secret. */
  about: JsonObject;
  /** What a decision is bound to. */
  planHash: string | null;
  quorum: number;
  requestedBy: string;
  askedAt: number;
  expiresAt: number | null;
  onTimeout: 'deny' | 'proceed';
  state: 'open' | 'granted' | 'denied' | 'expired';
  decisions: readonly Decision[];
}

export interface Decision {
  by: string;
  grant: boolean;
  at: number;
  /** Out-variables of a task by hand. */
  values?: Readonly<Record<string, string>>;
}

export interface Tasks {
  /** The same id again is the same question: its state is returned. */
  ask(task: Omit<Task, 'state' | 'decisions' | 'askedAt'>): Promise<Task>;
  find(id: string): Promise<Task | null>;
  list(filter?: { run?: string; incident?: string; state?: Task['state'] }): Promise<Task[]>;
  /** Throws ERR_TASK_UNKNOWN, ERR_TASK_OVER, ERR_TASK_OWN (nobody approves what they asked for), ERR_TASK_PLAN (another plan than the one shown). */
  decide(id: string, decision: Omit<Decision, 'at'> & { planHash?: string | null }): Promise<Task>;
  /** Resolves once it is no longer open; at its deadline it expires. */
  settled(id: string, signal: AbortSignal): Promise<Task>;
}
