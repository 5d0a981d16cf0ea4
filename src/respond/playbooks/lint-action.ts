// An action step under the linter: whether there is such an action, with such arguments, and whether it can end as its author means it to.
import { RempartError } from '../../platform/base/errors.ts';
import { shellProgram } from '../actions/commands/shell-text.ts';
import { shellTypes } from './command-args.ts';
import type { Add, KnownActions } from './lint.ts';
import {
  type ActionExtension,
  actionExtension,
  actionExtensionSchema,
  type Playbook,
  type Step,
  undoStep,
} from './playbook.ts';
import { referencesIn } from './variables.ts';

/** Commands that an actuator of ours can carry out; the rest of the vocabulary is refused by name. */
export const commandTypes = ['manual', 'bash', 'http-api', 'ssh'] as const;

export function lintAction(
  playbook: Playbook,
  step: Extract<Step, { type: 'action' }>,
  at: string,
  mustKnow: (names: readonly string[], field: string) => void,
  add: Add,
  actions: KnownActions | undefined,
): void {
  if (playbook.agent_definitions[step.agent] === undefined)
    add('error', `${at}/agent`, 'missing-agent', { agent: step.agent });
  for (const target of step.targets)
    if (playbook.target_definitions[target] === undefined)
      add('error', `${at}/targets`, 'missing-agent', { agent: target });
  const given = step.step_extensions[actionExtension];
  if (given !== undefined) {
    if (playbook.extension_definitions[actionExtension] === undefined)
      add('error', `${at}/step_extensions`, 'extension-undefined');
    const read = actionExtensionSchema.safeParse(given);
    if (!read.success) {
      add('error', `${at}/step_extensions`, 'extension', { what: read.error.issues[0]?.path.join('.') ?? '' });
      return;
    }
    mustKnow(referencesIn(JSON.stringify(read.data.args)), 'step_extensions');
    lintExtension(playbook, step, read.data, `${at}/step_extensions`, add, actions);
    return;
  }
  for (const [index, command] of step.commands.entries()) {
    const place = `${at}/commands/${index}`;
    if (!(commandTypes as readonly string[]).includes(command.type)) {
      add('error', place, 'command-type', { type: command.type });
      continue;
    }
    const text = command.command ?? decoded(command.command_b64);
    if (text === undefined) add('error', place, 'no-command');
    else if (command.type === 'http-api' && !/^[A-Z]+ \S+ HTTP\/\d(\.\d)?$/.test(text))
      add('error', place, 'http-line', { line: text.slice(0, 80) });
    else {
      mustKnow(text.match(/__[a-zA-Z_][\w-]*?__(?=:value)/g) ?? [], `commands/${index}`);
      const name = shellTypes.includes(command.type) ? misplacedIn(text, playbook, step) : undefined;
      if (name !== undefined) add('error', place, 'command-place', { name });
    }
  }
}

/** A variable whose value could become a part of the program, wherever it comes from when the playbook is run. */
function misplacedIn(text: string, playbook: Playbook, step: Step): string | undefined {
  const values = referencesIn(text).flatMap((name) => {
    const variable = step.step_variables[name] ?? playbook.playbook_variables[name];
    if (variable === undefined) return [];
    return [{ name, value: 'x', fixed: variable.constant && !variable.external }];
  });
  try {
    shellProgram(text, values);
    return undefined;
  } catch (error) {
    if (error instanceof RempartError) return String(error.facts['name']);
    throw error;
  }
}

function decoded(base64: string | undefined): string | undefined {
  return base64 === undefined ? undefined : Buffer.from(base64, 'base64').toString('utf8');
}

function lintExtension(
  playbook: Playbook,
  step: Step,
  extension: ActionExtension,
  at: string,
  add: Add,
  actions: KnownActions | undefined,
): void {
  const { action, approval, undo_after: undoAfter, compensate } = extension;
  if (step.timeout && approval !== undefined && approval.ttl > step.timeout) add('warning', at, 'approval-timeout');
  if (action === undoStep) {
    lintUndo(playbook, extension, at, add, actions);
    return;
  }
  const check = actions?.check(extension);
  if (check?.known === false) add('error', at, 'action', { action });
  if (check?.known !== true) return;
  if (check.wrong !== undefined) add('error', at, 'action-args', { action, what: check.wrong });
  if (!check.canUndo && (undoAfter !== undefined || compensate)) add('warning', at, 'irreversible', { action });
}

/** It must name one step whose action can be undone. */
function lintUndo(
  { workflow }: Playbook,
  { args, approval, undo_after: undoAfter, compensate }: ActionExtension,
  at: string,
  add: Add,
  actions: KnownActions | undefined,
): void {
  const { step: named, ...more } = args;
  const meant = Object.values(workflow).filter(({ type, name }) => type === 'action' && name === named);
  const extra = approval !== undefined || undoAfter !== undefined || compensate || Object.keys(more).length > 0;
  const undone = meant.map(
    ({ step_extensions }) => actionExtensionSchema.safeParse(step_extensions[actionExtension]).data,
  );
  if (meant.length === 0 || extra || undone.some((one) => one === undefined || one.action === undoStep)) {
    add('error', at, 'undo-step', { step: String(named ?? '') });
    return;
  }
  for (const one of undone) {
    const check = one && actions?.check(one);
    if (check?.known === true && !check.canUndo) add('warning', at, 'irreversible', { action: one?.action ?? '' });
  }
}
