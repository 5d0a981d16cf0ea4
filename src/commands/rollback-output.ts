// What `rempart rollback` says: the plan, each step as it ends, what came of it, and which backups there are.
import type { BackupsDocument, RollbackDocument, RollbackStep } from '../platform/documents/rollback.ts';
import type { TextKey } from '../platform/i18n/say.ts';
import { catalogues } from '../platform/i18n/say.ts';
import { visible } from '../platform/reporting/visible.ts';
import type { CommandInput } from './command.ts';
import { explain } from './explain-code.ts';

type Input = Pick<CommandInput, 'say' | 'lang'>;

export function planLines(input: Input, plan: RollbackDocument): string[] {
  const { say } = input;
  const lines = [say(`rollback.plan.${plan.kind}`, { target: visible(plan.target) })];
  for (const step of plan.steps) lines.push(stepLine(input, step));
  for (const state of plan.states) {
    lines.push(...skippedLines(input, state));
    if (state.changes.length === 0 && state.decision !== 'none')
      lines.push(say('rollback.plan.same', { state: state.state }));
    if (state.changes.length > 0)
      lines.push(say('rollback.plan.changes', { state: state.state }), ...changeLines(input, state));
  }
  if (plan.source !== null)
    lines.push(say('rollback.plan.source', { root: visible(plan.source.root) }), ...changeLines(input, plan.source));
  if (plan.states.length === 0 && plan.source === null) lines.push(say('rollback.plan.nothing'));
  if (plan.undo.length > 0) {
    const deeds = plan.undo.map(({ step, target }) => say(deedKey(step), { target: visible(target) }));
    lines.push(say('rollback.plan.undo', { deeds: deeds.join(', ') }));
  }
  return lines;
}

function deedKey(step: string): TextKey {
  const key = `rollback.undoing.${step}`;
  return Object.hasOwn(catalogues.en, key) ? (key as TextKey) : 'rollback.undoing.restore';
}

const signs = { add: '+', remove: '-', modify: '~' } as const;

function changeLines(
  { say }: Input,
  { changes, moreChanges }: Pick<RollbackDocument['states'][number], 'changes' | 'moreChanges'>,
) {
  const lines = changes.map(({ change, path }) => `    ${signs[change]} ${oneLine(path)}`);
  return moreChanges === 0 ? lines : [...lines, `    ${say('rollback.plan.more', { count: moreChanges })}`];
}

function skippedLines({ say }: Input, { state, skipped }: RollbackDocument['states'][number]): string[] {
  if (skipped.length === 0) return [];
  const each = skipped.map(({ backup, why }) => `    ${oneLine(backup)}: ${reason({ say }, why)}`);
  return [say('rollback.skipped', { state }), ...each];
}

const marks: Readonly<Record<RollbackStep['state'], string>> = {
  planned: ' ',
  running: '…',
  done: '✓',
  failed: '✗',
  unavailable: '!',
  skipped: '–',
};

export function stepLine(input: Input, step: RollbackStep): string {
  const { say } = input;
  const name = say(`rollback.step.${step.step}`);
  const target = step.target === 'source' || step.target === 'monitoring' ? '' : ` ${oneLine(step.target)}`;
  const facts = detailOf(input, step);
  return `  ${marks[step.state]} ${name}${target}${facts === '' ? '' : `${say('rollback.colon')} ${facts}`}`;
}

function detailOf(input: Input, step: RollbackStep): string {
  const { say, lang } = input;
  const { state, code, why, from, to } = step;
  if (state === 'unavailable' && why === null) {
    if (step.step === 'heighten') return say('rollback.unavailable.heighten');
    return say('rollback.unavailable.engine');
  }
  if (state === 'skipped') return say(why === 'invalid' ? 'rollback.not-started' : 'rollback.nothing-to-do');
  if (state === 'failed' || state === 'unavailable') {
    if (
      why !== null &&
      (code === 'ERR_STATE_INVALID' || code === 'ERR_STATE_EVIDENCE' || code === 'ERR_SOURCE_UNUSABLE')
    )
      return reason(input, why);
    return code === null
      ? say('rollback.check.failed')
      : explain(code, lang, { state: step.target, service: step.target });
  }
  if (from === null && to === null) return '';
  const words = [from, to].flatMap((one) => (one === null ? [] : [wordOf(input, one)]));
  return words.join(' → ');
}

/** A word of ours in the reader's language; a backup's name or a commit as it is. */
function wordOf({ say }: Input, word: string): string {
  for (const key of [`rollback.word.${word}`, `restore.why.${word}`])
    if (Object.hasOwn(catalogues.en, key)) return say(key as TextKey);
  return oneLine(word);
}

function reason({ say }: Pick<Input, 'say'>, why: string): string {
  for (const key of [`restore.why.${why}`, `restore.git.${why}`])
    if (Object.hasOwn(catalogues.en, key)) return say(key as TextKey);
  return oneLine(why);
}

export function endLines(input: Input, document: RollbackDocument): string[] {
  const { say } = input;
  const lines: string[] = [];
  if (document.state !== 'undone')
    for (const state of document.states) {
      const restored = document.steps.some(
        ({ step, target, state: end, undo }) => !undo && step === 'restore' && target === state.state && end === 'done',
      );
      const time = state.takenAt === null ? '' : timeOf(input, state.takenAt);
      if (restored)
        lines.push(
          say(`rollback.restored.${state.decision === 'backup' ? 'backup' : 'minimal'}`, { state: state.state, time }),
        );
      lines.push(...skippedLines(input, state));
    }
  lines.push(say(`rollback.end.${document.state}`, { target: visible(document.target) }));
  if (document.run !== null && document.undo.length > 0) lines.push(say('rollback.undo.how', { run: document.run }));
  return lines;
}

export function backupLines(input: Input, { states, runs, at }: BackupsDocument): string[] {
  const { say } = input;
  if (states.length === 0) return [say('rollback.list.none')];
  const lines: string[] = [];
  for (const { state, format, problem, taken, backups } of states) {
    const now =
      problem === null ? say('rollback.list.fit') : say('rollback.list.unfit', { why: reason(input, problem) });
    lines.push(`${state} (${format})${say('rollback.colon')} ${now}`);
    if (taken?.why != null) lines.push(`  ${say('rollback.list.not-taken', { why: reason(input, taken.why) })}`);
    if (backups.length === 0) lines.push(`  ${say('rollback.list.empty')}`);
    for (const { backup, takenAt, bytes, valid, why } of backups) {
      const facts = [
        takenAt === null ? '–' : `${timeOf(input, takenAt)} (${ageOf(input, Date.parse(at) - Date.parse(takenAt))})`,
        bytes === null ? '–' : sizeOf(input, bytes),
        valid
          ? say('rollback.list.valid')
          : say('rollback.list.invalid', { why: why === null ? '–' : reason(input, why) }),
      ];
      lines.push(`  ${oneLine(backup)}  ${facts.join(', ')}`);
    }
  }
  if (runs.length > 0) lines.push(say('rollback.list.runs'));
  for (const { run, target, state, startedAt } of runs.slice(0, 20))
    lines.push(`  ${run}  ${oneLine(target)}, ${timeOf(input, startedAt)}, ${say(runKey(state))}`);
  return lines;
}

function runKey(state: string): TextKey {
  const key = `rollback.run.${state}`;
  return Object.hasOwn(catalogues.en, key) ? (key as TextKey) : 'rollback.run.running';
}

function timeOf({ lang }: Input, instant: string): string {
  return new Date(instant).toLocaleString(lang, { dateStyle: 'medium', timeStyle: 'short' });
}

function ageOf({ say }: Input, ms: number): string {
  const minutes = Math.max(0, Math.round(ms / 60_000));
  if (minutes < 120) return say('rollback.age.minutes', { count: minutes });
  const hours = Math.round(minutes / 60);
  return hours < 48
    ? say('rollback.age.hours', { count: hours })
    : say('rollback.age.days', { count: Math.round(hours / 24) });
}

function sizeOf({ lang, say }: Input, bytes: number): string {
  const number = (value: number) => value.toLocaleString(lang, { maximumFractionDigits: 1 });
  if (bytes < 1_000) return say('rollback.size.bytes', { count: number(bytes) });
  return bytes < 1_000_000
    ? say('rollback.size.kilobytes', { count: number(bytes / 1_000) })
    : say('rollback.size.megabytes', { count: number(bytes / 1_000_000) });
}

/** Names of files may hold anything. */
function oneLine(text: string): string {
  return visible(text).replaceAll('\n', '␊').replaceAll('\t', '␉').slice(0, 300);
}
