// Playbooks, plans and runs as people read them on a terminal: names in their language, hostile text made harmless.

import type { PlaybookPlanDocument, PlaybookRunDocument, PlaybooksDocument } from '../platform/documents/playbook.ts';
import type { Lang, Say } from '../platform/i18n/say.ts';
import type { LibraryPlaybook } from '../respond/playbooks/library.ts';
import { type PlaybookTexts, playbookTexts } from '../respond/playbooks/playbook-texts.ts';
import { changeText } from './change-text.ts';
import { explain } from './explain-code.ts';
import { valuesHint } from './incident-output.ts';
import { playbookTree } from './playbook-tree.ts';

/** A playbook may be anybody's: nothing in it moves the cursor or turns the line round. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '�').slice(0, 300);
}

/** Milliseconds as `30 s`, `15 min`, `24 h`, `3 d`. */
export function lasting(ms: number, say: Say): string {
  if (ms < 60_000) return `${ms / 1_000} s`;
  if (ms < 3_600_000) return `${ms / 60_000} min`;
  if (ms < 172_800_000) return `${ms / 3_600_000} h`;
  return say('playbook.days', { count: Math.round(ms / 86_400_000) });
}

export function listLines(list: Omit<PlaybooksDocument, 'schema'>, lang: Lang, say: Say): string[] {
  const texts = playbookTexts(lang);
  const width = Math.max(...list.playbooks.map(({ name }) => name.length), 0);
  const lines = list.playbooks.map((one) => {
    const { name, title, steps, actions } = one;
    const count = (state: (typeof actions)[number]['state']) =>
      actions.filter((action) => action.state === state).length;
    const off = count('off');
    const missing = count('missing');
    const shown = texts.title(name, { name: title });
    const words = [
      say('playbook.list.steps', { count: steps }),
      ...(off > 0 ? [say('playbook.list.off', { off, count: off + count('on') })] : []),
      ...(off === 0 && missing === 0 ? [say('playbook.list.all-on')] : []),
      ...(missing === 0 ? [] : [say('playbook.list.missing', { count: missing })]),
      ...(one.shipped ? [] : [say('playbook.list.own')]),
    ];
    return `${printable(name).padEnd(width)}  ${printable(shown)} — ${words.join(', ')}`;
  });
  const refused = list.refused.map(({ file, code, problems }) =>
    say('playbook.list.refused', {
      file: printable(file),
      why: code ?? printable(problems.map(({ rule, facts }) => say(rule as Parameters<Say>[0], facts)).join(' ')),
    }),
  );
  return [...lines, ...refused, '', say('playbook.list.hint')];
}

export function showLines(
  { name, file, read }: Pick<LibraryPlaybook, 'name' | 'file' | 'read'>,
  lang: Lang,
  say: Say,
): string[] {
  const { playbook } = read;
  const texts = playbookTexts(lang);
  const facts = { id: playbook.id, version: playbook.modified, types: playbook.playbook_types.join(', ') };
  return [
    printable(texts.title(name, playbook)),
    texts.about(name, playbook).replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '�'),
    printable(say('playbook.show.facts', facts)),
    printable(
      say('playbook.show.weights', {
        priority: playbook.priority ?? '–',
        severity: playbook.severity ?? '–',
        impact: playbook.impact ?? '–',
      }),
    ),
    printable(file),
    '',
    ...playbookTree(playbook, harmless(texts), say).map(printable),
  ];
}

function harmless(texts: PlaybookTexts): PlaybookTexts {
  return { ...texts, step: (name) => printable(texts.step(name)) };
}

export function planLines(plan: Omit<PlaybookPlanDocument, 'schema'>, lang: Lang, say: Say): string[] {
  const texts = playbookTexts(lang);
  const lines = plan.steps.flatMap((one) => {
    const { key, step, action, effects, reversible, approval, refusal, undoAfter, compensate } = one;
    const words = [
      ...(refusal === null
        ? []
        : [say('playbook.plan.refused', { why: explain(refusal, lang, { action, step }), code: refusal })]),
      ...(approval ? [say('playbook.plan.approval', { hash: one.planHash.slice(0, 12) })] : []),
      ...(effects.length > 0 && action !== 'step.undo' && !reversible ? [say('playbook.plan.final')] : []),
      ...(undoAfter === null ? [] : [say('playbook.tree.undone-after', { time: lasting(undoAfter, say) })]),
      ...(compensate ? [say('playbook.tree.compensate')] : []),
    ];
    return [
      `${printable(way(key, say))}${printable(texts.step(step))} [${action}]`,
      ...effects.map(
        ({ target, change, from, to }) =>
          `    ${printable(target)}: ${printable(changeText(change, say))}${from === undefined ? '' : ` ${printable(from)} →`}${to === undefined ? '' : ` ${printable(to)}`}`,
      ),
      ...words.map((word) => `    ${word}`),
    ];
  });
  const named = new Map(plan.steps.map(({ key, step }) => [key, step]));
  const undo = plan.undo.map((key) => `  ${printable(texts.step(named.get(key) ?? key))}`);
  return [
    say('playbook.plan.title', { name: printable(plan.playbook.name), hash: plan.playbook.hash.slice(0, 12) }),
    ...lines,
    '',
    ...(undo.length === 0 ? [say('playbook.plan.undo.none')] : [say('playbook.plan.undo'), ...undo]),
    plan.end.state === 'done'
      ? say('playbook.plan.end')
      : say('playbook.plan.failed', { why: explain(plan.end.code ?? 'ERR_INTERNAL', lang) }),
  ];
}

/** Ways that a dry run cannot choose between are both shown; the key says which one it is. */
function way(key: string, say: Say): string {
  const ways = key.split('/').filter((part) => /^(true|false|[a-z][\w-]*)(\.\d+)?$/.test(part));
  const last = ways.at(-1)?.replace(/\.\d+$/, '');
  return last === undefined || last === 'exception' ? '' : `${say('playbook.plan.way', { way: last })} `;
}

export function stepLine(step: PlaybookRunDocument['steps'][number], lang: Lang, say: Say): string {
  const name = printable(playbookTexts(lang).step(step.step));
  const facts = {
    step: name,
    action: step.action,
    why: step.code === null ? '' : explain(step.code, lang, { action: step.action, step: name }),
  };
  return say(`playbook.step.${step.state}`, facts);
}

export function runLines(run: Omit<PlaybookRunDocument, 'schema'>, lang: Lang, say: Say): string[] {
  const texts = playbookTexts(lang);
  const facts = {
    run: run.run,
    playbook: printable(texts.titleOf(run.playbook)),
    why: run.code === null ? '' : explain(run.code, lang),
  };
  const isOver = run.state !== 'waiting' && run.state !== 'running';
  const title = say(`playbook.run.${run.questions.length > 0 && !isOver ? 'asks' : run.state}`, facts);
  return [
    title,
    ...run.questions.flatMap(({ task, kind, step, about }) => [
      `  ${say(`playbook.question.${kind}`, { step: printable(texts.step(step)) })}`,
      ...(typeof about['command'] === 'string'
        ? [`    ${texts.instruction(step, about['command']).replace(/[\p{Cc}\p{Cf}]/gu, '�')}`]
        : []),
      `    rempart incident approve ${printable(task)}${answerHint(about)}`,
    ]),
    ...(run.questions.length > 0 && !isOver ? [say('playbook.run.then', { run: run.run })] : []),
  ];
}

function answerHint({ outArgs }: Record<string, unknown>): string {
  return Array.isArray(outArgs) && outArgs.length > 0 ? ` ${valuesHint(outArgs.map(String))}` : '';
}
