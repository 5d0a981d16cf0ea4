// For tests: an action for every name that the shipped playbooks use; what changes the world is a line in a file.
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import type { Action, ActionClass } from '../src/respond/engine/action.ts';

const observing =
  /^(health\.|checklist\.|journal\.|host\.audit|source\.verify|models\.verify|states\.(validate|backup|keep)|containers\.(audit|save))/;
const telling = /^(incident|notify|monitoring)\.|^command\.manual$/;

function classOf(name: string): ActionClass {
  if (observing.test(name)) return 'observe';
  if (telling.test(name)) return 'notify';
  if (/^(containers\.prune|compose\.rebuild|keys\.revoke)$/.test(name)) return 'destroy';
  return /restore|restart|start|previous|pull/.test(name) ? 'restore' : 'contain';
}

/** `between` is awaited before and after each effect, with the run that it belongs to. */
export function fileActions(names: readonly string[], file: string, between: (run: string) => Promise<void>): Action[] {
  const has = (line: string) => existsSync(file) && readFileSync(file, 'utf8').split('\n').includes(line);
  return names.map((name) => {
    const kind = classOf(name);
    const lineOf = ({ run, idempotencyKey }: { run: string; idempotencyKey: string }) =>
      `${run} ${name} ${idempotencyKey}`;
    const outOf = (outArgs: readonly string[]) =>
      Object.fromEntries(outArgs.map((out) => [out, answers[out] ?? 'true']));
    return {
      name,
      class: kind,
      args: z.record(z.string(), z.unknown()),
      plan: async () => ({ effects: [{ target: name, change: 'write' }], reversible: true, before: {} }),
      async probe(_args, context) {
        if (kind === 'observe') return { state: 'not-done' };
        return has(lineOf(context)) ? { state: 'done', done: { out: outOf(context.outArgs) } } : { state: 'not-done' };
      },
      async act(_args, context) {
        if (kind !== 'observe') {
          await between(context.run);
          appendFileSync(file, `${lineOf(context)}\n`);
          await between(context.run);
        }
        return { out: outOf(context.outArgs) };
      },
      undo: async () => undefined,
    } satisfies Action;
  });
}

/** What would lead into a second round, or into another case, is answered so that the run ends. */
const answers: Readonly<Record<string, string>> = {
  __fires__: 'false',
  __decision__: 'minimal',
  __verdict__: 'abuse',
  __channel__: 'agent',
};
