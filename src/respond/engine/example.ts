// For tests: playbooks put together from few words, and actions whose effects are lines of a file.
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { RempartError } from '../../platform/base/errors.ts';
import type { JsonObject } from '../../platform/base/json.ts';
import { actionExtension } from '../playbooks/playbook.ts';
import { type ReadPlaybook, readPlaybook } from '../playbooks/read-playbook.ts';
import type { Action } from './action.ts';

export const uuidOf = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
export const stepId = (type: string, n: number) => `${type}--${uuidOf(n)}`;
const agent = stepId('organization', 900);

export function examplePlaybook(workflow: JsonObject, more: JsonObject = {}): { read: ReadPlaybook; text: string } {
  const text = JSON.stringify({
    type: 'playbook',
    spec_version: 'cacao-2.0',
    id: stepId('playbook', 1),
    name: 'an example',
    created_by: stepId('identity', 2),
    created: '2026-01-01T00:00:00.000Z',
    modified: '2026-01-01T00:00:00.000Z',
    workflow_start: stepId('start', 1),
    agent_definitions: { [agent]: { type: 'organization', name: 'Rempart' } },
    extension_definitions: {
      [actionExtension]: {
        type: 'extension-definition',
        name: 'Rempart actions',
        created_by: stepId('identity', 2),
        schema: 'https://example.org/actions',
        version: '1.0.0',
      },
    },
    ...more,
    workflow: { [stepId('start', 1)]: { type: 'start', on_completion: stepId('action', 1) }, ...workflow },
  });
  const read = readPlaybook(text, 'example.json');
  if (Array.isArray(read)) throw new Error(JSON.stringify(read));
  return { read, text };
}

export function actionStep(action: string, args: JsonObject, more: JsonObject = {}, extension: JsonObject = {}) {
  return {
    type: 'action',
    name: action,
    agent,
    commands: [{ type: 'manual', command: `do ${action}` }],
    step_extensions: { [actionExtension]: { action, args, ...extension } },
    ...more,
  };
}

/** `note` writes a line, once for each idempotency key; `fail` fails; `read` gives a value back. */
export function exampleActions(file: string, between: (what: string) => void = () => undefined): Action[] {
  const lines = () => (existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : []);
  const note: Action<{ line: string }> = {
    name: 'example.note',
    class: 'contain',
    args: z.strictObject({ line: z.string() }),
    plan: async ({ line }) => ({ effects: [{ target: line, change: 'write' }], reversible: true, before: {} }),
    probe: async (_args, { idempotencyKey }) =>
      lines().some((line) => line.endsWith(idempotencyKey)) ? { state: 'done', done: {} } : { state: 'not-done' },
    async act({ line }, { idempotencyKey }) {
      between(`before ${line}`);
      appendFileSync(file, `${line} ${idempotencyKey}\n`);
      between(`after ${line}`);
      return { evidence: { line } };
    },
    async undo(_args, { idempotencyKey }) {
      writeFileSync(
        file,
        lines()
          .filter((line) => !line.endsWith(idempotencyKey))
          .map((line) => `${line}\n`)
          .join(''),
      );
    },
  };
  const fail: Action<Record<string, never>> = {
    name: 'example.fail',
    class: 'observe',
    args: z.strictObject({}),
    plan: async () => ({ effects: [], reversible: true, before: {} }),
    probe: async () => ({ state: 'not-done' }),
    act: async () => {
      throw new RempartError('ERR_ACTION_FAILED', { action: 'example.fail', code: 'ERR_INTERNAL' });
    },
  };
  const give: Action<{ value: string }> = {
    name: 'example.give',
    class: 'observe',
    args: z.strictObject({ value: z.string() }),
    plan: async () => ({ effects: [], reversible: true, before: {} }),
    probe: async () => ({ state: 'not-done' }),
    act: async ({ value }, { outArgs }) => ({ out: Object.fromEntries(outArgs.map((name) => [name, value])) }),
  };
  const slow: Action<{ ms: number }> = {
    name: 'example.slow',
    class: 'observe',
    args: z.strictObject({ ms: z.number() }),
    plan: async () => ({ effects: [], reversible: true, before: {} }),
    probe: async () => ({ state: 'not-done' }),
    act: ({ ms }, { signal }) =>
      new Promise((resolve, reject) => {
        setTimeout(() => resolve({}), ms);
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      }),
  };
  return [note, fail, give, slow];
}
