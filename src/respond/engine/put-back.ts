// What actions did, put back: newest first at the end of a run, when its time is over, or by a step of its own.
import { type ErrorCode, RempartError } from '../../platform/base/errors.ts';
import { undoStep } from '../playbooks/playbook.ts';
import type { Done } from './action.ts';
import type { HeldRun } from './durable.ts';
import { contextOf, eventOf, type Intent, type Performance, type PerformParts } from './performance.ts';

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
