// A playbook's workflow as a tree that people can read: what follows, what goes side by side, and what happens when a step fails.
import type { Say } from '../platform/i18n/say.ts';
import {
  type ActionExtension,
  actionExtension,
  actionExtensionSchema,
  type Playbook,
  type Step,
} from '../respond/playbooks/playbook.ts';
import type { PlaybookTexts } from '../respond/playbooks/playbook-texts.ts';
import { lasting } from './playbook-output.ts';

interface Walk {
  playbook: Playbook;
  texts: PlaybookTexts;
  say: Say;
  /** Said where several ways meet again; shown once. */
  shown: Set<string>;
}

export function playbookTree(playbook: Playbook, texts: PlaybookTexts, say: Say): string[] {
  const walk: Walk = { playbook, texts, say, shown: new Set() };
  const lines = chain(walk, playbook.workflow_start, undefined, '');
  const { workflow_exception: exception } = playbook;
  if (exception === undefined) return lines;
  return [...lines, say('playbook.tree.exception'), ...chain(walk, exception, undefined, '  ')];
}

/** From a step to the end of its branch, or to where it meets another way. */
function chain(walk: Walk, first: string | undefined, stop: string | undefined, indent: string): string[] {
  const lines: string[] = [];
  for (let id = first; id !== undefined && id !== stop; ) {
    const step: Step | undefined = walk.playbook.workflow[id];
    if (step === undefined || step.type === 'end') break;
    if (walk.shown.has(id))
      return [...lines, `${indent}${walk.say('playbook.tree.again', { step: nameOf(walk, step, id) })}`];
    walk.shown.add(id);
    if (step.type !== 'start') lines.push(...describe(walk, step, id, indent));
    id = step.on_completion ?? step.on_success;
  }
  return lines;
}

function nameOf({ texts }: Walk, step: Step, id: string): string {
  return step.name === undefined ? id : texts.step(step.name);
}

function describe(walk: Walk, step: Step, id: string, indent: string): string[] {
  const { say } = walk;
  const deeper = `${indent}    `;
  const name = nameOf(walk, step, id);
  const branch = (label: string, next: string | undefined) =>
    next === undefined ? [] : [`${indent}  ${label}`, ...chainOr(walk, next, deeper)];
  const failure = onFailure(walk, step, indent);
  switch (step.type) {
    case 'action':
      return [`${indent}- ${name}${note(walk, step)}${failure.inline}`, ...failure.lines];
    case 'playbook-action':
      return [`${indent}- ${name} [${step.playbook_id}]${failure.inline}`, ...failure.lines];
    case 'parallel':
      return [
        `${indent}- ${say('playbook.tree.parallel', { step: name })}${failure.inline}`,
        ...step.next_steps.flatMap((next, index) => branch(`${index + 1}.`, next)),
        ...failure.lines,
      ];
    case 'if-condition':
      return [
        `${indent}- ${name}${failure.inline}`,
        ...branch(say('playbook.tree.if', { condition: step.condition }), step.on_true),
        ...branch(say('playbook.tree.else'), step.on_false),
        ...failure.lines,
      ];
    case 'while-condition':
      return [
        `${indent}- ${name}${limit(walk, step)}${failure.inline}`,
        ...branch(say('playbook.tree.while', { condition: step.condition }), step.on_true),
        ...failure.lines,
      ];
    case 'switch-condition':
      return [
        `${indent}- ${name}${failure.inline}`,
        ...Object.entries(step.cases).flatMap(([value, next]) =>
          branch(say('playbook.tree.case', { variable: step.switch, value }), next),
        ),
        ...failure.lines,
      ];
    default:
      return [];
  }
}

function chainOr(walk: Walk, next: string, indent: string): string[] {
  const lines = chain(walk, next, undefined, indent);
  return lines.length > 0 ? lines : [`${indent}${walk.say('playbook.tree.nothing')}`];
}

/** What follows a failure: the same step by hand and going on are a word in the line, anything else lines of its own. */
function onFailure(walk: Walk, step: Step, indent: string): { inline: string; lines: string[] } {
  const { say, playbook } = walk;
  const { on_failure: next, on_success: success } = step;
  if (next === undefined) return { inline: '', lines: [] };
  const failed = playbook.workflow[next];
  if (next === success) return { inline: ` — ${say('playbook.tree.goes-on')}`, lines: [] };
  if (failed?.type === 'end') return { inline: ` — ${say('playbook.tree.ends')}`, lines: [] };
  if (failed?.type === 'action' && failed.name === `By hand: ${step.name}`) {
    walk.shown.add(next);
    return { inline: ` — ${say('playbook.tree.by-hand')}`, lines: [] };
  }
  return {
    inline: '',
    lines: [`${indent}  ${say('playbook.tree.failed')}`, ...chain(walk, next, success, `${indent}    `)],
  };
}

/** What carries it out, who is asked, and when it ends by itself. */
function note(walk: Walk, step: Extract<Step, { type: 'action' }>): string {
  const { say } = walk;
  const given = actionExtensionSchema.safeParse(step.step_extensions[actionExtension]);
  const words = given.success
    ? [given.data.action, ...extras(given.data, say)]
    : step.commands.map(({ type }) => (type === 'manual' ? say('playbook.tree.people') : type));
  return ` [${words.join(', ')}]${limit(walk, step)}`;
}

function extras({ approval, undo_after: undoAfter, compensate }: ActionExtension, say: Say): string[] {
  return [
    ...(approval === undefined ? [] : [say('playbook.tree.approval', { quorum: approval.quorum })]),
    ...(undoAfter === undefined ? [] : [say('playbook.tree.undone-after', { time: lasting(undoAfter, say) })]),
    ...(compensate ? [say('playbook.tree.compensate')] : []),
  ];
}

function limit({ say }: Walk, { timeout }: Step): string {
  return timeout ? ` ${say('playbook.tree.within', { time: lasting(timeout, say) })}` : '';
}
