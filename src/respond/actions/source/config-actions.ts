// The action that puts Rempart's own configuration back: the newest signed copy from before the incident, checked, and in force at once.
import { z } from 'zod';
import { RempartError } from '../../../platform/base/errors.ts';
import { type Actuators, needed } from '../../actuators.ts';
import type { Action, ActionContext } from '../../engine/action.ts';
import type { NamedState } from '../../rollback/named-state.ts';
import {
  type Decision,
  type RestoredState,
  type RestoreParts,
  restoredBefore,
  restoreState,
  stateProblem,
  undoRestore,
} from '../../rollback/restore-state.ts';
import { digestOf } from '../../rollback/snapshot.ts';
import { byRun } from '../access/restrain.ts';

export interface ConfigActionsParts extends RestoreParts {
  /** The file of the configuration; undefined when it was read from none. */
  file: NamedState | undefined;
  /** When the incident first showed; null when nobody knows. */
  firstEvidence: (incident: string) => Promise<number | null>;
  /** Throws when the file is no configuration that could be used. */
  accept: () => void;
  actuators: Pick<Actuators, 'config'>;
}

const nothing = z.strictObject({});

export function configActions(parts: ConfigActionsParts): Action[] {
  const name = 'config.restore-signed';
  const { backups, actuators } = parts;
  const file = () => needed(name, parts.file);
  const done = ({ backup, was }: RestoredState) => ({ evidence: { backup, was } });
  const reload = async (context: ActionContext) => actuators.config?.reload(byRun(context));
  const restoreSigned: Action<z.output<typeof nothing>> = {
    name,
    class: 'restore',
    args: nothing,
    async plan(_args, { incident }) {
      const before = incident === null ? null : await parts.firstEvidence(incident);
      const choice = await backups.choose(file(), { before });
      if (choice.kind === 'none') throw new RempartError('ERR_STATE_NO_BACKUP', { state: file().name });
      const { id, takenAt } = choice.manifest;
      const from = (await stateProblem(file(), backups.settings.limits)) ?? 'valid';
      const effect = { target: 'configuration', change: 'overwrite', from, to: `copy of ${takenAt}` };
      const copy = digestOf(choice.manifest.entries).slice(0, 12);
      return { effects: [effect], reversible: true, before: { decision: { kind: 'backup', id }, copy } };
    },
    async probe(_args, { idempotencyKey }) {
      const restored = restoredBefore(parts, file(), idempotencyKey);
      return restored === undefined ? { state: 'not-done' } : { state: 'done', done: done(restored) };
    },
    async act(_args, context, { decision }) {
      const { idempotencyKey: key, incident } = context;
      const restored = await restoreState(parts, file(), decision as unknown as Decision, { key, incident });
      try {
        parts.accept();
        await reload(context);
      } catch (error) {
        // The old one may name a secret that is gone by now: then what was there is still better than nothing.
        await undoRestore(parts, file(), { key, incident });
        throw error;
      }
      return done(restored);
    },
    async undo(_args, context) {
      const { idempotencyKey: key, incident } = context;
      if (await undoRestore(parts, file(), { key, incident })) await reload(context).catch(onlyRefused);
    },
  };
  return [restoreSigned];
}

/** What had been changed may be refused: it is back in its file, and the copy stays in force. */
function onlyRefused(error: unknown): void {
  if (!(error instanceof RempartError)) throw error;
}
