// Actions that turn something on for a name and off again: known before, known after, and put back only if they turned it on themselves.
import type { z } from 'zod';
import { needed, type Restraint } from '../../actuators.ts';
import type { Action, ActionContext } from '../../engine/action.ts';

export interface RestrainParts<Args> {
  name: string;
  args: z.ZodType<Args>;
  /** A word for it, e.g. `suspend`. */
  change: string;
  part: () => Restraint | undefined;
  nameOf: (args: Args) => string;
  /** Throws when there is no such thing. */
  check?: (name: string) => void;
  evidence?: (name: string) => Record<string, string | number | boolean>;
}

export const byRun = ({ incident, run }: Pick<ActionContext, 'incident' | 'run'>) => incident ?? run;

export function restrainAction<Args>(parts: RestrainParts<Args>): Action<Args> {
  const { name, change, nameOf } = parts;
  const restraint = () => needed(name, parts.part());
  return {
    name,
    class: 'contain',
    args: parts.args,
    async plan(args) {
      const target = nameOf(args);
      const isOn = restraint().isOn(target);
      parts.check?.(target);
      const effect = { target, change, from: isOn ? 'on' : 'off', to: 'on' };
      return { effects: [effect], reversible: true, before: { isOn } };
    },
    async probe(args) {
      return restraint().isOn(nameOf(args)) ? { state: 'done', done: evidenceOf(args) } : { state: 'not-done' };
    },
    async act(args, context) {
      await restraint().on(nameOf(args), { by: byRun(context) });
      return evidenceOf(args);
    },
    async undo(args, context, { isOn }) {
      // Somebody else had turned it on before: it stays so.
      if (isOn !== true) await restraint().off(nameOf(args), byRun(context));
    },
  };

  function evidenceOf(args: Args) {
    const target = nameOf(args);
    return { evidence: { target, ...parts.evidence?.(target) } };
  }
}
