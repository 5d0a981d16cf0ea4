// One action of a step: foretold, allowed, written down, asked whether it happened already, done, written down again.
import { type ErrorCode, RempartError } from '../../platform/base/errors.ts';
import type { Json, JsonObject } from '../../platform/base/json.ts';
import { type Action, type ActionContext, type Done, type Plan, planHash } from './action.ts';
import { RunInterrupted, type Task } from './durable.ts';
import { foretell } from './foretell.ts';
import {
  actionOf,
  contextOf,
  eventOf,
  type Intent,
  type Performance,
  type PerformParts,
  type StepEvent,
} from './performance.ts';

export type { Performance, PerformParts, PlannedStep, StepEvent } from './performance.ts';

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
