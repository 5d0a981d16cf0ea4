// Before anything that cannot be undone, every state that is fit is backed up: whatever was meant, what was good is still there.
import type { Action } from '../engine/action.ts';
import type { Backups } from './backups.ts';

/** A state that is not fit keeps nobody from acting: there is nothing in it to keep, and it is told. */
export function backUpFirst<Args>(backups: Backups, action: Action<Args>): Action<Args> {
  if (action.class !== 'destroy') return action;
  return {
    ...action,
    async act(args, context, before) {
      const taken: Record<string, string> = {};
      for (const state of backups.states) {
        context.signal.throwIfAborted();
        const result = await backups.take(state, 'before-step');
        taken[state.name] = result.kind === 'taken' ? result.manifest.id : result.why;
      }
      const done = await action.act(args, context, before);
      return backups.states.length === 0 ? done : { ...done, evidence: { ...done.evidence, backedUp: taken } };
    },
  };
}
