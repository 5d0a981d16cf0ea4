// One action of a step: foretold, allowed, written down, asked whether it happened already, done, written down again.
import { createHash } from 'node:crypto';
import { type ErrorCode, RempartError } from '../../platform/base/errors.ts';
import type { Json, JsonObject } from '../../platform/base/json.ts';
import { type ActionExtension, undoStep } from '../playbooks/playbook.ts';
import { type Action, type ActionContext, type Actions, type Done, type Plan, planHash } from './action.ts';
import type { Allowance } from './allowance.ts';
import { type HeldRun, RunInterrupted, type Task, type Tasks } from './durable.ts';

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
interface Intent extends JsonObject {
  step: string;
  action: string;
  args: Json;
  before: JsonObject;
  planHash: string;
  targets: string[];
}

/** Rejects with the RempartError of what went wrong; the values are for the step's out_args. */
export async function perform(parts: PerformParts, performance: Performance): Promise<Done> {
  if (parts.dryRun !== undefined) return foretell(parts, performance, parts.dryRun);
  const { run, key, extension, signal } = performance;
  const context = contextOf(parts, performance);
  const told = (kind: StepEvent['kind'], more: Partial<StepEvent> = {}) =>
    parts.tell({ ...eventOf(performance, context, extension.action, parts.now()), kind, ...more });

  const remembered = run.recall(`${key}/outcome`) as (JsonObject & { done?: Done; code?: string }) | undefined;
  if (remembered !== undefined) return replay(remembered, extension.action);

  let targets: string[] = [];
  let carriedOut: { done: Done; already: boolean };
  try {
    const { action, args } = actionOf(parts, performance);
    const resumed = run.recall(`${key}/intent`) as Intent | undefined;
    const intent = resumed ?? (await intend(parts, performance, action, args, context));
    targets = intent.targets;
    if (resumed === undefined) {
      await run.remember(`${key}/intent`, intent);
      await told('intent', { targets });
    }
    carriedOut = await actOnce(parts, performance, action, args, context, intent.before, resumed !== undefined);
    if (extension.undo_after !== undefined && action.undo !== undefined)
      await parts.scheduleUndo(run.record.id, key, parts.now() + extension.undo_after);
  } catch (error) {
    const failure = failureOf(error, signal, extension.action);
    if (failure === undefined) throw error;
    if (failure.code === 'ERR_STORE_AWAY') throw new RunInterrupted('the store is away', { cause: error });
    await run.remember(`${key}/outcome`, { code: failure.code, action: extension.action, step: performance.step });
    await told('failed', { targets, code: failure.code });
    throw failure;
  }
  const { done, already } = carriedOut;
  await run.remember(`${key}/outcome`, { done: done as unknown as JsonObject });
  await told('done', { targets, already, ...(done.evidence === undefined ? {} : { evidence: done.evidence }) });
  return done;
}

/** Undefined for who was told to stop: that leaves the step as it is, to go on elsewhere, or after the next start. */
function failureOf(error: unknown, signal: AbortSignal, action: string): RempartError | undefined {
  if (error instanceof RempartError) return error;
  if (error instanceof RunInterrupted) return undefined;
  if (signal.aborted) return signal.reason instanceof RempartError ? signal.reason : undefined;
  // A fault of ours must not hold the run up for ever: it is a step that failed.
  return new RempartError('ERR_ACTION_FAILED', { action, code: 'ERR_INTERNAL' }, error);
}

async function intend(
  parts: PerformParts,
  given: Performance,
  action: Action,
  args: unknown,
  context: ActionContext,
): Promise<Intent> {
  const plan = await action.plan(args, context);
  await allowed(parts, given, action, plan, context);
  return {
    step: given.step,
    action: action.name,
    args: given.args,
    before: plan.before,
    planHash: planHash(action.name, given.args, plan),
    targets: [...new Set(plan.effects.map(({ target }) => target))],
  };
}

function replay(remembered: { done?: Done; code?: string }, action: string): Done {
  if (remembered.done !== undefined) return remembered.done;
  throw new RempartError((remembered.code ?? 'ERR_INTERNAL') as ErrorCode, { action });
}

/** Throws when there is no such action, or not with these arguments. */
function actionOf(parts: PerformParts, { extension, args }: Performance): { action: Action; args: unknown } {
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

/** Fails where the real run would fail, so that the same way is taken. */
async function foretell(parts: PerformParts, given: Performance, show: (step: PlannedStep) => void): Promise<Done> {
  const { key, step, extension } = given;
  const { undo_after: undoAfter, compensate } = extension;
  const ends = { compensate, ...(undoAfter === undefined ? {} : { undoAfter }) };
  const none = { effects: [], reversible: false, approval: false, planHash: '', ...ends };
  let planned: PlannedStep = { key, step, action: extension.action, ...none };
  let refusal: RempartError | undefined;
  try {
    const { action, args } = actionOf(parts, given);
    const plan = await action.plan(args, contextOf(parts, given));
    refusal = parts.allowance.refusal(action, plan, extension);
    planned = {
      ...planned,
      effects: plan.effects,
      reversible: plan.reversible,
      approval: extension.approval !== undefined || parts.allowance.asksFirst(action, plan),
      planHash: planHash(action.name, given.args, plan),
    };
  } catch (error) {
    if (!(error instanceof RempartError)) throw error;
    refusal = error;
  }
  show({ ...planned, ...(refusal === undefined ? {} : { refusal: refusal.code }) });
  if (refusal !== undefined) throw refusal;
  return {};
}

/** Throws what forbids it; asks people where they must be asked. */
async function allowed(
  parts: PerformParts,
  given: Performance,
  action: Action,
  plan: Plan,
  context: ActionContext,
): Promise<void> {
  const { extension, run, key, args } = given;
  const refusal = parts.allowance.refusal(action, plan, extension);
  if (refusal !== undefined) throw refusal;
  const asked = extension.approval ?? (parts.allowance.asksFirst(action, plan) ? parts.allowance.approval : undefined);
  if (asked !== undefined) {
    const hash = planHash(action.name, args, plan);
    const task = await parts.tasks.ask({
      id: `${run.record.id}:${key}:approval`,
      run: run.record.id,
      incident: run.record.incident,
      step: given.step,
      kind: 'approval',
      about: { action: action.name, effects: plan.effects as unknown as Json, reversible: plan.reversible },
      planHash: hash,
      quorum: asked.quorum,
      requestedBy: run.record.requestedBy,
      expiresAt: parts.now() + asked.ttl,
      onTimeout: asked.on_timeout,
    });
    await parts.tell({ ...eventOf(given, context, action.name, parts.now()), kind: 'asked' });
    if (!grants(await parts.tasks.settled(task.id, given.signal)))
      throw new RempartError('ERR_ACTION_DENIED', { action: action.name });
    // What people allowed is one plan: the world may have moved while they thought.
    const again = await action.plan(args, context);
    if (planHash(action.name, args, again) !== task.planHash)
      throw new RempartError('ERR_ACTION_CHANGED', { action: action.name });
  }
  parts.allowance.count(action);
}

function grants({ state, onTimeout }: Task): boolean {
  return state === 'granted' || (state === 'expired' && onTimeout === 'proceed');
}

async function actOnce(
  parts: PerformParts,
  given: Performance,
  action: Action,
  args: unknown,
  context: ActionContext,
  before: JsonObject,
  resumed: boolean,
): Promise<{ done: Done; already: boolean }> {
  const probe = await action.probe(args, context, before);
  if (probe.state === 'done') return { done: probe.done, already: true };
  if (probe.state === 'unknown' && resumed) {
    const { run, key } = given;
    const task = await parts.tasks.ask({
      id: `${run.record.id}:${key}:unknown`,
      run: run.record.id,
      incident: run.record.incident,
      step: given.step,
      kind: 'unknown',
      about: { action: action.name },
      planHash: null,
      quorum: 1,
      requestedBy: run.record.requestedBy,
      expiresAt: null,
      onTimeout: 'deny',
    });
    await parts.tell({ ...eventOf(given, context, action.name, parts.now()), kind: 'asked' });
    // Granted: it has happened. Denied: it has not, and is done now.
    if ((await parts.tasks.settled(task.id, given.signal)).state === 'granted') return { done: {}, already: true };
  }
  return { done: await action.act(args, context, before), already: false };
}

/** Keys of the actions that a run began, newest first. */
export function begunActions(run: HeldRun): string[] {
  return run
    .memory()
    .flatMap(({ key }) => (key.endsWith('/intent') ? [key.slice(0, -'/intent'.length)] : []))
    .toReversed();
}

/**
 * A step that ends what an earlier one of the run did, before its time. Throws ERR_STEP_NOT_DONE when that step did
 * nothing here: what people did by hand, people put back.
 */
export async function putBack(parts: PerformParts, performance: Performance): Promise<void> {
  const { run, key, step, args, signal } = performance;
  const { step: earlier = '' } = args as { step?: string };
  if (parts.dryRun !== undefined) {
    const effects = [{ target: earlier, change: 'undo' }];
    const none = { reversible: false, approval: false, planHash: '', compensate: false };
    parts.dryRun({ key, step, action: undoStep, effects, ...none });
    return;
  }
  const replayed = run.recall(`${key}/outcome`) as { code?: ErrorCode } | undefined;
  if (replayed?.code !== undefined) throw new RempartError(replayed.code, { action: undoStep, step: earlier });
  if (replayed !== undefined) return;
  try {
    const done = begunActions(run).filter(
      (begun) =>
        (run.recall(`${begun}/intent`) as Intent).step === earlier &&
        (run.recall(`${begun}/outcome`) as { done?: Done } | undefined)?.done !== undefined,
    );
    if (done.length === 0) throw new RempartError('ERR_STEP_NOT_DONE', { step: earlier });
    for (const begun of done) await undoAction(parts, run, begun, signal);
    await run.remember(`${key}/outcome`, { action: undoStep, step });
  } catch (error) {
    if (error instanceof RempartError)
      await run.remember(`${key}/outcome`, { code: error.code, action: undoStep, step });
    throw error;
  }
}

/** Puts back what an action did. False when there is nothing to put back. */
export async function undoAction(
  parts: PerformParts,
  run: HeldRun,
  key: string,
  signal: AbortSignal,
): Promise<boolean> {
  const intent = run.recall(`${key}/intent`) as Intent | undefined;
  if (intent === undefined || run.recall(`${key}/undone`) !== undefined) return false;
  const action = parts.actions.find(intent.action);
  if (action?.undo === undefined) return false;
  const where = { run, key, step: intent.step, signal, outArgs: [] };
  const context = contextOf(parts, where);
  const { targets } = intent;
  const event = () => ({ ...eventOf(where, context, action.name, parts.now()), targets });
  try {
    await action.undo(action.args.parse(intent.args), context, intent.before);
  } catch (error) {
    const code = error instanceof RempartError ? error.code : 'ERR_INTERNAL';
    await parts.tell({ ...event(), kind: 'undo-failed', code });
    throw error;
  }
  await run.remember(`${key}/undone`, { at: parts.now() });
  await parts.tell({ ...event(), kind: 'undone' });
  return true;
}

type Place = Pick<Performance, 'run' | 'key' | 'step' | 'signal' | 'outArgs'>;

function contextOf(parts: PerformParts, { run, key, step, signal, outArgs }: Place): ActionContext {
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

function eventOf({ run, key, step }: Place, context: ActionContext, action: string, time: number) {
  const { id, incident } = run.record;
  return { run: id, incident, key, step, action, time, idempotencyKey: context.idempotencyKey };
}
