// What a CACAO schema cannot see: whether a playbook's steps lead somewhere, and whether this engine can run it as written.
import { RempartError } from '../../platform/base/errors.ts';
import type { TextKey } from '../../platform/i18n/say.ts';
import { namesIn, parseCondition } from './condition.ts';
import { lintAction } from './lint-action.ts';
import { lintFlow, targetsOf } from './lint-flow.ts';
import {
  type ActionExtension,
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
  check(extension: ActionExtension): { known: false } | { known: true; wrong?: string; canUndo: boolean };
}

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
  lintSummary(playbook, add);
  if (!problems.some(({ severity }) => severity === 'error')) lintFlow(playbook, add);
  return problems;
}

export type Add = (severity: Problem['severity'], at: string, rule: string, facts?: Problem['facts']) => void;

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
  if (step.type === 'while-condition' && !step.timeout) add('warning', at, 'unbounded');
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

function lintVariables(variables: Variables, at: string, add: Add): void {
  for (const [name, { type, value }] of Object.entries(variables)) {
    if (!variableNamePattern.test(name)) add('error', `${at}/${name}`, 'variable-name', { name });
    if (typeof value === 'string' && value !== '' && !fits(type, value))
      add('error', `${at}/${name}`, 'variable-value', { name, type });
  }
}

/** What it says of itself against what its steps are. */
function lintSummary(playbook: Playbook, add: Add): void {
  const { workflow, playbook_activities: activities } = playbook;
  const steps = Object.values(workflow);
  const done = new Set(
    steps.flatMap((step) => (step.type === 'action' ? step.commands.map((command) => command.playbook_activity) : [])),
  );
  // Who names no activity at any step does not tell which step is which.
  if (done.size > 1 || !done.has(undefined))
    for (const activity of activities)
      if (!done.has(activity)) add('warning', '/playbook_activities', 'activity-unused', { activity });
  const summary = (playbook['playbook_processing_summary'] ?? {}) as Record<string, unknown>;
  const used: Record<string, boolean> = {
    external_playbooks: steps.some(({ type }) => type === 'playbook-action'),
    parallel_processing: steps.some(({ type }) => type === 'parallel'),
    if_logic: steps.some(({ type }) => type === 'if-condition'),
    while_logic: steps.some(({ type }) => type === 'while-condition'),
    switch_logic: steps.some(({ type }) => type === 'switch-condition'),
    temporal_logic: steps.some(({ delay, timeout }) => delay !== undefined || timeout !== undefined),
  };
  for (const [feature, is] of Object.entries(used))
    if (typeof summary[feature] === 'boolean' && summary[feature] !== is)
      add('warning', `/playbook_processing_summary/${feature}`, 'summary', { feature });
}
