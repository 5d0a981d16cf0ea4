// What a CACAO schema cannot see: whether a playbook's steps lead somewhere, and whether this engine can run it as written.
import { RempartError } from '../../platform/base/errors.ts';
import type { TextKey } from '../../platform/i18n/say.ts';
import { namesIn, parseCondition } from './condition.ts';
import {
  type ActionExtension,
  actionExtension,
  actionExtensionSchema,
  identifierPattern,
  type Playbook,
  type Step,
  type Variables,
  variableNamePattern,
} from './playbook.ts';
import { fits, referencesIn } from './variables.ts';

export interface Problem {
  /** `error`: it is not run. `warning`: it is, and may not do what its author meant. */
  severity: 'error' | 'warning';
  /** JSON Pointer into the playbook. */
  at: string;
  rule: Extract<TextKey, `playbook.lint.${string}`>;
  facts: Readonly<Record<string, string | number>>;
}

export interface KnownActions {
  /** Undefined: no such action; else what is wrong with the arguments, or nothing. */
  check(extension: ActionExtension): { known: false } | { known: true; wrong?: string };
}

/** Commands that an actuator of ours can carry out; the rest of the vocabulary is refused by name. */
export const commandTypes = ['manual', 'bash', 'http-api', 'ssh'] as const;

export function lintPlaybook(playbook: Playbook, actions?: KnownActions): Problem[] {
  const problems: Problem[] = [];
  const add = (severity: Problem['severity'], at: string, rule: string, facts: Problem['facts'] = {}): void => {
    problems.push({ severity, at, rule: `playbook.lint.${rule}` as Problem['rule'], facts });
  };
  const { workflow } = playbook;
  if (playbook.revoked) add('error', '/revoked', 'revoked');
  for (const field of ['created', 'modified'] as const)
    if (!/\.\d{3}Z$/.test(playbook[field])) add('warning', `/${field}`, 'timestamp');
  if (playbook.playbook_types.length > 0 && playbook.playbook_activities.length === 0)
    add('warning', '/playbook_types', 'activities');
  const starts = Object.values(workflow).filter(({ type }) => type === 'start').length;
  if (starts !== 1) add('error', '/workflow', 'starts', { count: starts });
  if (workflow[playbook.workflow_start]?.type !== 'start')
    add('error', '/workflow_start', 'start', { step: playbook.workflow_start });
  if (playbook.workflow_exception !== undefined && workflow[playbook.workflow_exception] === undefined)
    add('error', '/workflow_exception', 'missing-step', { step: playbook.workflow_exception });
  lintVariables(playbook.playbook_variables, '/playbook_variables', add);
  for (const [id, step] of Object.entries(workflow)) lintStep(playbook, id, step, add, actions);
  if (!problems.some(({ severity }) => severity === 'error')) lintReach(playbook, add);
  return problems;
}

type Add = (severity: Problem['severity'], at: string, rule: string, facts?: Problem['facts']) => void;

function lintStep(playbook: Playbook, id: string, step: Step, add: Add, actions: KnownActions | undefined): void {
  const at = `/workflow/${id}`;
  if (!identifierPattern.test(id) || !id.startsWith(`${step.type}--`)) add('error', at, 'step-id', { step: id });
  lintVariables(step.step_variables, `${at}/step_variables`, add);
  lintSuccessors(step, at, add);
  for (const [field, target] of targetsOf(step))
    if (playbook.workflow[target] === undefined) add('error', `${at}/${field}`, 'missing-step', { step: target });
  const known = new Set([...Object.keys(playbook.playbook_variables), ...Object.keys(step.step_variables)]);
  const mustKnow = (names: readonly string[], field: string) => {
    for (const name of names) if (!known.has(name)) add('error', `${at}/${field}`, 'variable', { name });
  };
  if (step.type === 'action' || step.type === 'playbook-action')
    mustKnow([...step.in_args, ...step.out_args], 'in_args');
  if (step.type === 'if-condition' || step.type === 'while-condition')
    try {
      mustKnow(namesIn(parseCondition(step.condition)), 'condition');
    } catch (error) {
      if (!(error instanceof RempartError)) throw error;
      add('error', `${at}/condition`, 'condition', { condition: step.condition.slice(0, 80) });
    }
  if (step.type === 'switch-condition') {
    const names = referencesIn(step.switch);
    if (names.length !== 1) add('error', `${at}/switch`, 'switch');
    mustKnow(names, 'switch');
    if (step.cases['default'] === undefined) add('warning', `${at}/cases`, 'no-default');
  }
  if (step.type === 'action') lintAction(playbook, step, at, mustKnow, add, actions);
}

function lintSuccessors(step: Step, at: string, add: Add): void {
  const has = (name: 'on_completion' | 'on_success' | 'on_failure') => step[name] !== undefined;
  if (step.type === 'end') {
    if (has('on_completion') || has('on_success') || has('on_failure')) add('error', at, 'end-successor');
    return;
  }
  if (step.type === 'start' && (has('on_success') || has('on_failure'))) add('error', at, 'start-successor');
  if (has('on_completion') && (has('on_success') || has('on_failure'))) add('error', at, 'two-successors');
  if (!has('on_completion') && !has('on_success')) add('error', at, 'no-successor');
}

function lintAction(
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
    const check = actions?.check(read.data);
    if (check?.known === false) add('error', `${at}/step_extensions`, 'action', { action: read.data.action });
    else if (check?.wrong !== undefined)
      add('error', `${at}/step_extensions`, 'action-args', { action: read.data.action, what: check.wrong });
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
    else mustKnow(text.match(/__[a-zA-Z_][\w-]*?__(?=:value)/g) ?? [], `commands/${index}`);
  }
}

function decoded(base64: string | undefined): string | undefined {
  return base64 === undefined ? undefined : Buffer.from(base64, 'base64').toString('utf8');
}

function lintVariables(variables: Variables, at: string, add: Add): void {
  for (const [name, { type, value }] of Object.entries(variables)) {
    if (!variableNamePattern.test(name)) add('error', `${at}/${name}`, 'variable-name', { name });
    if (typeof value === 'string' && value !== '' && !fits(type, value))
      add('error', `${at}/${name}`, 'variable-value', { name, type });
  }
}

/** Every step that a step may lead to, by the field that names it. */
export function targetsOf(step: Step): [string, string][] {
  const targets: [string, string | undefined][] = [
    ['on_completion', step.on_completion],
    ['on_success', step.on_success],
    ['on_failure', step.on_failure],
  ];
  if (step.type === 'parallel') targets.push(...step.next_steps.map((id): [string, string] => ['next_steps', id]));
  if (step.type === 'if-condition') targets.push(['on_true', step.on_true], ['on_false', step.on_false]);
  if (step.type === 'while-condition') targets.push(['on_true', step.on_true]);
  if (step.type === 'switch-condition')
    targets.push(...Object.entries(step.cases).map(([key, id]): [string, string] => [`cases/${key}`, id]));
  return targets.filter((entry): entry is [string, string] => entry[1] !== undefined);
}

/** Steps that nothing leads to, and ways that never come to an end. */
function lintReach({ workflow, workflow_start, workflow_exception }: Playbook, add: Add): void {
  const seen = new Set<string>();
  const waiting = [workflow_start, ...(workflow_exception === undefined ? [] : [workflow_exception])];
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
    if (seen.has(id)) continue;
    seen.add(id);
    waiting.push(...targetsOf(workflow[id]!).map(([, target]) => target));
  }
  for (const id of Object.keys(workflow)) if (!seen.has(id)) add('warning', `/workflow/${id}`, 'unreachable');
  const ends = new Set(Object.keys(workflow).filter((id) => workflow[id]!.type === 'end'));
  for (let grew = true; grew; ) {
    grew = false;
    for (const [id, step] of Object.entries(workflow)) {
      if (ends.has(id)) continue;
      // What follows the step itself, not the branches it opens, must come to an end.
      const next = [step.on_completion, step.on_success].filter((target) => target !== undefined);
      if (next.some((target) => ends.has(target))) {
        ends.add(id);
        grew = true;
      }
    }
  }
  for (const id of seen) if (!ends.has(id)) add('error', `/workflow/${id}`, 'endless');
}
