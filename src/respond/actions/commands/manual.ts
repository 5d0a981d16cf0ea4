// command.manual: work for people; the step goes on once somebody says that it is done, and fails when they say that it is not.
import { RempartError } from '../../../platform/base/errors.ts';
import type { Action, ActionContext, Done } from '../../engine/action.ts';
import type { Task } from '../../engine/durable.ts';
import { scrub } from '../scrub.ts';
import { type CommandGiven, type CommandParts, commandSchema } from './command-parts.ts';

/** Nobody answers for so long: then it was not done. */
const openForMs = 7 * 86_400_000;
const maxChars = 8_000;

export function manualAction({ tasks }: Pick<CommandParts, 'tasks'>): Action<CommandGiven> {
  const name = 'command.manual';
  const idOf = ({ run, idempotencyKey }: ActionContext) => `${run}:${idempotencyKey}:manual`;
  return {
    name,
    class: 'notify',
    args: commandSchema as Action<CommandGiven>['args'],
    async plan({ command, targets }) {
      const [target] = targets;
      const effect = { target: target?.name ?? 'people', change: 'ask', to: scrub(command, 300) };
      return { effects: [effect], reversible: true, before: {} };
    },
    async probe(_args, context) {
      const task = await tasks.find(idOf(context));
      return task?.state === 'granted' ? { state: 'done', done: doneBy(task, context) } : { state: 'not-done' };
    },
    async act({ command, description, targets }, context) {
      const task = await tasks.ask({
        id: idOf(context),
        run: context.run,
        incident: context.incident,
        step: context.step ?? name,
        kind: 'manual',
        about: {
          command: scrub(command, maxChars),
          ...(description === undefined ? {} : { description: scrub(description, maxChars) }),
          ...(targets.length === 0 ? {} : { targets: targets.map((target) => scrub(target.name ?? target.type, 200)) }),
          outArgs: [...context.outArgs],
        },
        planHash: null,
        quorum: 1,
        requestedBy: context.requestedBy ?? 'playbook',
        expiresAt: context.now() + openForMs,
        onTimeout: 'deny',
      });
      const settled = await tasks.settled(task.id, context.signal);
      if (settled.state !== 'granted') throw new RempartError('ERR_ACTION_DENIED', { action: name });
      return doneBy(settled, context);
    },
  };
}

/** What people filled in for the step's own variables, and nothing else. */
function doneBy({ decisions }: Task, { outArgs }: ActionContext): Done {
  const last = decisions.filter(({ grant }) => grant).at(-1);
  const given = last?.values ?? {};
  const values = Object.fromEntries(
    outArgs.flatMap((name) => (given[name] === undefined ? [] : [[name, given[name]]])),
  );
  return { out: values, evidence: { by: decisions.map(({ by }) => by), at: last?.at ?? 0 } };
}
