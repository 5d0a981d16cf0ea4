// The action that turns an emergency mode on or off, and puts it back as it was.
import { z } from 'zod';
import { RempartError } from '../../../platform/base/errors.ts';
import { type Actuators, needed } from '../../actuators.ts';
import type { Action } from '../../engine/action.ts';
import { byRun } from '../access/restrain.ts';

const args = z.strictObject({
  mode: z.string(),
  on: z.boolean(),
  /** Only what is turned on can last. */
  forMinutes: z.number().positive().max(527_040).optional(),
});

export function modeActions(actuators: Pick<Actuators, 'modes'>): Action[] {
  const name = 'mode.switch';
  const modes = () => needed(name, actuators.modes);
  const switchMode: Action<z.output<typeof args>> = {
    name,
    class: 'contain',
    args,
    async plan({ mode, on }) {
      const known = modes().names;
      if (!known.includes(mode))
        throw new RempartError('ERR_ACTION_ARGS', { action: name, what: `mode: ${known.join(', ')}` });
      const { on: was, until } = modes().state(mode);
      const effect = { target: mode, change: 'switch', from: was ? 'on' : 'off', to: on ? 'on' : 'off' };
      return { effects: [effect], reversible: true, before: { on: was, until: until ?? null } };
    },
    async probe({ mode, on, forMinutes }, _context, before) {
      // Already on when the step was planned: a longer time would not show.
      if (modes().state(mode).on !== on || (on && forMinutes !== undefined && before['on'] === true))
        return { state: 'not-done' };
      return { state: 'done', done: { evidence: { mode, on } } };
    },
    async act({ mode, on, forMinutes }, context) {
      const lasting = on && forMinutes !== undefined ? { forMs: Math.round(forMinutes * 60_000) } : {};
      await modes().set({ name: mode, on, by: byRun(context), ...lasting });
      return { evidence: { mode, on } };
    },
    async undo({ mode }, context, before) {
      const { on, until } = before;
      const left = typeof until === 'number' ? until - context.now() : undefined;
      // What would have ended meanwhile has ended.
      const stays = on === true && (left === undefined || left > 0);
      if (modes().state(mode).on === stays && !stays) return;
      const lasting = stays && left !== undefined ? { forMs: left } : {};
      await modes().set({ name: mode, on: stays, by: byRun(context), ...lasting });
    },
  };
  return [switchMode];
}
