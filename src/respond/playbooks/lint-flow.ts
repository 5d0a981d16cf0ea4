// Where the steps of a playbook lead: to none that is out of reach, and each way to an end of its own.
import type { Add } from './lint.ts';
import { actionExtension, actionExtensionSchema, type Playbook, type Step } from './playbook.ts';

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
export function lintFlow(playbook: Playbook, add: Add): void {
  const { workflow, workflow_start, workflow_exception } = playbook;
  const seen = new Set<string>();
  const waiting = [workflow_start, ...(workflow_exception === undefined ? [] : [workflow_exception])];
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
    if (seen.has(id)) continue;
    seen.add(id);
    waiting.push(...targetsOf(workflow[id]!).map(([, target]) => target));
  }
  for (const [id, step] of Object.entries(workflow)) {
    if (seen.has(id)) continue;
    // Who relies on being told is not told: worse than a step that is merely left over.
    if (tells(step)) add('error', `/workflow/${id}`, 'unreachable-notice');
    else add('warning', `/workflow/${id}`, 'unreachable');
  }
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
  lintEnds(playbook, add);
}

function tells(step: Step): boolean {
  return (
    step.type === 'action' &&
    actionExtensionSchema.safeParse(step.step_extensions[actionExtension]).data?.action === 'notify.send'
  );
}

/** CACAO wants each branch to come to an end step of its own, which is how other engines know that it is over. */
function lintEnds({ workflow }: Playbook, add: Add): void {
  const owners = new Map<string, string>();
  for (const [id, step] of Object.entries(workflow))
    for (const [field, head] of branchesOf(step))
      for (const end of endsFrom(workflow, head)) {
        const branch = `${id}/${field}`;
        const owner = owners.get(end) ?? branch;
        owners.set(end, owner);
        if (owner !== branch) add('warning', `/workflow/${id}/${field}`, 'shared-end', { step: end });
      }
}

function branchesOf(step: Step): [string, string][] {
  return targetsOf(step)
    .filter(([field]) => !field.startsWith('on_') || field === 'on_true' || field === 'on_false')
    .map(([field, head], index) => [`${field}${field === 'next_steps' ? `/${index}` : ''}`, head]);
}

/** Ends that a branch itself comes to, not those of branches within it. */
function endsFrom(workflow: Playbook['workflow'], head: string): Set<string> {
  const ends = new Set<string>();
  const seen = new Set<string>();
  const waiting = [head];
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
    const step = workflow[id];
    if (step === undefined || seen.has(id)) continue;
    seen.add(id);
    if (step.type === 'end') ends.add(id);
    for (const next of [step.on_completion, step.on_success, step.on_failure])
      if (next !== undefined) waiting.push(next);
  }
  return ends;
}
