// What carrying out one action of a step speaks of: what is told of it, what was decided before it, and where in its run it stands.
import { createHash } from 'node:crypto';
import { RempartError } from '../../platform/base/errors.ts';
import type { Json, JsonObject } from '../../platform/base/json.ts';
import type { ActionExtension } from '../playbooks/playbook.ts';
import type { Action, ActionContext, Actions, Plan } from './action.ts';
import type { Allowance } from './allowance.ts';
import type { HeldRun, Tasks } from './durable.ts';

/** What is said of a step while it runs; names and codes only. */
export interface StepEvent {
  kind: 'planned' | 'asked' | 'intent' | 'done' | 'failed' | 'undone' | 'undo-failed';
  run: string;
  incident: string | null;
  /** Place in the run, e.g. `0.3/0`. */
  key: string;
  step: string;
  action: string;
  time: number;
  idempotencyKey: string;
  targets?: readonly string[];
  code?: string;
  /** It had happened already, before a crash. */
  already?: boolean;
  evidence?: JsonObject;
}

export interface PlannedStep {
  key: string;
  step: string;
  action: string;
  effects: Plan['effects'];
  reversible: boolean;
  approval: boolean;
  planHash: string;
  /** Milliseconds until it is undone by itself. */
  undoAfter?: number;
  /** Undone when the run fails. */
  compensate: boolean;
  /** Why it would be refused. */
  refusal?: string;
}

export interface PerformParts {
  actions: Actions;
  tasks: Tasks;
  allowance: Allowance;
  now: () => number;
  tell: (event: StepEvent) => Promise<void>;
  /** Written down when what was done ends by itself. */
  scheduleUndo: (run: string, key: string, dueAt: number) => Promise<void>;
  /** With it nothing is done: each action is planned on the same path and handed over here. */
  dryRun?: (planned: PlannedStep) => void;
}

export interface Performance {
  run: HeldRun;
  key: string;
  step: string;
  extension: ActionExtension;
  /** With variables filled in. */
  args: Json;
  outArgs: readonly string[];
  signal: AbortSignal;
}

/** What was decided before acting; read back after a crash, and to undo it. */
export interface Intent extends JsonObject {
  step: string;
  action: string;
  args: Json;
  before: JsonObject;
  planHash: string;
  targets: string[];
}

/** Throws when there is no such action, or not with these arguments. */
export function actionOf(parts: PerformParts, { extension, args }: Performance): { action: Action; args: unknown } {
  const action = parts.actions.find(extension.action);
  if (action === undefined) throw new RempartError('ERR_ACTION_UNKNOWN', { action: extension.action });
  const read = action.args.safeParse(args);
  if (read.success) return { action, args: read.data };
  const [issue] = read.error.issues;
  throw new RempartError('ERR_ACTION_ARGS', {
    action: action.name,
    what: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`,
  });
}

export type Place = Pick<Performance, 'run' | 'key' | 'step' | 'signal' | 'outArgs'>;

export function contextOf(parts: PerformParts, { run, key, step, signal, outArgs }: Place): ActionContext {
  return {
    incident: run.record.incident,
    run: run.record.id,
    step,
    requestedBy: run.record.requestedBy,
    idempotencyKey: createHash('sha256')
      .update([run.record.id, run.record.playbookHash, key].join('\n'))
      .digest('hex')
      .slice(0, 32),
    now: parts.now,
    signal,
    outArgs,
  };
}

export function eventOf({ run, key, step }: Place, context: ActionContext, action: string, time: number) {
  const { id, incident } = run.record;
  return { run: id, incident, key, step, action, time, idempotencyKey: context.idempotencyKey };
}
