// One action of a step in a dry run: planned and judged as in a real one, shown, and not done.
import { RempartError } from '../../platform/base/errors.ts';
import { type Done, planHash } from './action.ts';
import { actionOf, contextOf, type Performance, type PerformParts, type PlannedStep } from './performance.ts';

/** Fails where the real run would fail, so that the same way is taken. */
export async function foretell(
  parts: PerformParts,
  given: Performance,
  show: (step: PlannedStep) => void,
): Promise<Done> {
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
