// How incidents are shown: a row, all that is known of one, the table of types, and what people are asked.

import type { Incident, TimelineEntry } from '../platform/documents/incident.ts';
import { incidentMoments } from '../platform/documents/incident.ts';
import type { Question } from '../platform/documents/incidents.ts';
import type { TextKey } from '../platform/i18n/say.ts';
import { visible } from '../platform/reporting/visible.ts';
import { playbookTexts } from '../respond/playbooks/playbook-texts.ts';
import type { IncidentType } from '../respond/taxonomy/taxonomy.ts';
import { changeText } from './change-text.ts';
import type { CommandInput } from './command.ts';

type Voice = Pick<CommandInput, 'say' | 'lang'>;

export function incidentRow(incident: Incident, voice: Voice): string {
  const { say } = voice;
  const { id, level, type, subject, verdict } = incident;
  const status = say(`incident.status.${incident.status}`);
  const escalation = say(`incident.level.${incident.escalation}`);
  const words = [id, String(level), status.padEnd(15), escalation.padEnd(13), type, clean(subject)];
  return [...words, verdict === null ? dueWords(incident, voice) : say(`incident.verdict.${verdict}`)].join('  ');
}

function dueWords({ dueBy, containedAt, status }: Incident, { say, lang }: Voice): string {
  if (containedAt !== null || status === 'resolved' || status === 'closed') return '';
  const time = local(dueBy, lang);
  return say(Date.parse(dueBy) < Date.now() ? 'incident.overdue' : 'incident.due', { time });
}

export function describeIncident(incident: Incident, questions: readonly Question[], voice: Voice): string[] {
  const { say, lang } = voice;
  const time = (instant: string | null) => (instant === null ? null : local(instant, lang));
  const rows: [string, string | null][] = [
    [say('incident.show.subject'), clean(incident.subject)],
    [say('incident.show.level'), `${incident.level} (${say(`incident.level.${incident.escalation}`)})`],
    [say('incident.show.status'), say(`incident.status.${incident.status}`)],
    [say('incident.show.verdict'), incident.verdict === null ? null : say(`incident.verdict.${incident.verdict}`)],
    [say('incident.show.parent'), incident.parent],
    [say('incident.show.dueBy'), time(incident.dueBy)],
    [say('incident.show.occurredAt'), time(incident.occurredAt)],
    [say('incident.show.detectedAt'), time(incident.detectedAt)],
    [say('incident.show.acknowledgedAt'), time(incident.acknowledgedAt)],
    ...incidentMoments.map((moment): [string, string | null] => [
      say(`incident.show.${moment}`),
      time(incident[moment]),
    ]),
    [say('incident.show.closedAt'), time(incident.closedAt)],
  ];
  const signals = incident.signals.map(({ detector, repeats, facts }) =>
    [`  ${clean(detector)}`, ...(repeats === 0 ? [] : [`×${repeats + 1}`]), factWords(facts)].join('  ').trimEnd(),
  );
  return [
    `${incident.id}  ${incident.type}`,
    ...columns(rows),
    ...section(say('incident.show.signals'), signals),
    ...section(
      say('incident.show.runs'),
      incident.playbookRuns.map(
        ({ playbook, state, run }) => `  ${clean(playbook)}  ${say(`incident.run.${state}`)}  ${run}`,
      ),
    ),
    ...section(
      say('incident.show.timeline'),
      incident.timeline.map((entry) => entryLine(entry, voice)),
    ),
    ...section(
      say('incident.questions'),
      questions.flatMap((one) => describeQuestion(one, voice).map((text) => `  ${text}`)),
    ),
  ];
}

const kinds: Readonly<Record<string, TextKey>> = {
  detected: 'incident.kind.detected',
  acknowledged: 'incident.kind.acknowledged',
  marked: 'incident.kind.marked',
  escalated: 'incident.kind.escalated',
  resolved: 'incident.kind.resolved',
  closed: 'incident.kind.closed',
  amended: 'incident.kind.amended',
  note: 'incident.kind.note',
  more: 'incident.kind.more',
  decided: 'incident.kind.decided',
  'run-waiting': 'incident.kind.run-waiting',
  'run-running': 'incident.kind.run-running',
  'run-done': 'incident.kind.run-done',
  'run-failed': 'incident.kind.run-failed',
  'run-cancelled': 'incident.kind.run-cancelled',
  'run-refused': 'incident.kind.run-refused',
  'step-asked': 'incident.kind.step-asked',
  'step-done': 'incident.kind.step-done',
  'step-failed': 'incident.kind.step-failed',
  'step-undone': 'incident.kind.step-undone',
  'undo-failed': 'incident.kind.undo-failed',
  notified: 'review.kind.notified',
  'not-notified': 'review.kind.not-notified',
  'to-call': 'review.kind.to-call',
  'nobody-reachable': 'review.kind.nobody-reachable',
  'deadline-missed': 'review.kind.deadline-missed',
  'post-mortem': 'review.kind.post-mortem',
};

function entryLine({ time, kind, by, facts }: TimelineEntry, { say, lang }: Voice): string {
  const key = kinds[kind];
  const { run: _, key: __, ...shown } = facts;
  return `  ${clock(time, lang)}  ${key === undefined ? clean(kind) : say(key)}  ${clean(by)}  ${factWords(shown)}`.trimEnd();
}

export function questionRow({ id, kind, step, expiresAt }: Question, { say, lang }: Voice): string {
  const until = expiresAt === null ? '' : `  ${say('incident.question.until', { time: local(expiresAt, lang) })}`;
  return `  ${id}  ${say(`incident.question.${kind}`)}  ${clean(playbookTexts(lang).step(step))}${until}`;
}

/** What a decision is on: for an approval the effects of the plan, whether they can be undone, and its hash. */
export function describeQuestion(question: Question, voice: Voice): string[] {
  const { say, lang } = voice;
  const texts = playbookTexts(lang);
  const { id, kind, step, about, planHash, quorum, requestedBy, decisions, state } = question;
  const {
    action,
    effects,
    reversible,
    command,
    description,
    outArgs = [],
  } = about as {
    action?: string;
    effects?: { target: string; change: string; from?: string; to?: string }[];
    reversible?: boolean;
    command?: string;
    description?: string;
    outArgs?: string[];
  };
  const way = ({ from, to }: { from?: string; to?: string }) =>
    from === undefined && to === undefined ? '' : `  ${clean(from ?? '?')} → ${clean(to ?? '?')}`;
  const undo = reversible === undefined ? null : say(reversible ? 'incident.plan.undo' : 'incident.plan.no-undo');
  return [
    `${say(`incident.question.${kind}`)}: ${clean(texts.step(step))}${action === undefined ? '' : ` (${clean(action)})`}`,
    ...(command === undefined ? [] : [`  ${clean(texts.instruction(step, command))}`]),
    ...(outArgs.length === 0 ? [] : [`  ${say('playbook.question.values', { values: valuesHint(outArgs) })}`]),
    ...(description === undefined || description === command ? [] : [`  ${clean(description)}`]),
    ...(effects ?? []).map(
      (effect) => `  ${clean(changeText(effect.change, say))}  ${clean(effect.target)}${way(effect)}`,
    ),
    ...columns([
      [say('incident.plan.undone'), undo],
      [say('incident.plan.hash'), planHash],
      [say('incident.plan.asked-by'), clean(requestedBy)],
      [say('incident.plan.quorum'), quorum > 1 ? `${decisions.filter(({ grant }) => grant).length}/${quorum}` : null],
      [say('incident.plan.state'), state === 'open' ? null : say(`incident.decided.${state}`, { grants: '', quorum })],
      [say('incident.plan.question'), id],
    ]),
  ];
}

/** `__reached__` is given as `reached=…`. */
export function valuesHint(names: readonly string[]): string {
  return names.map((name) => `${clean(name.replace(/^__|__$/g, ''))}=…`).join(' ');
}

export function typesTable(types: readonly IncidentType[], { say, lang }: Voice): string[] {
  return types.flatMap((type) => [
    `${type.id}  ${type.title[lang]}`,
    ...columns([
      [say('incident.types.level'), `${type.level} (${say(`incident.level.${type.escalation}`)})`],
      [say('incident.types.within'), deadlines(type, say)],
      [say('incident.types.example'), type.example[lang]],
      [say('incident.types.impact'), type.impact[lang]],
      [say('incident.types.references'), [...type.atlas, ...type.owasp].join(' ')],
      [say('incident.types.detectors'), type.detectors.join(', ')],
      [say('incident.types.playbook'), type.playbook],
      [say('incident.types.drill'), `rempart drill --scenario ${type.drill}`],
    ]),
    '',
  ]);
}

function deadlines({ respondWithinMinutes, phases }: IncidentType, say: Voice['say']): string {
  const minutes = (count: number) =>
    count >= 120 && count % 60 === 0
      ? say('incident.hours', { count: count / 60 })
      : say('incident.minutes', { count });
  const more = Object.entries(phases).map(([phase, count]) => `${phaseWord(phase, say)} ${minutes(count)}`);
  return [minutes(respondWithinMinutes), ...(more.length === 0 ? [] : [`(${more.join(', ')})`])].join(' ');
}

function phaseWord(phase: string, say: Voice['say']): string {
  if (phase === 'actions') return say('incident.phase.actions');
  return phase === 'investigation' ? say('incident.phase.investigation') : phase;
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', title, ...lines];
}

function columns(rows: readonly (readonly [string, string | null])[]): string[] {
  const shown = rows.filter((row): row is [string, string] => row[1] !== null);
  const width = Math.max(...shown.map(([label]) => label.length));
  return shown.map(([label, value]) => `  ${label.padEnd(width)}  ${value}`);
}

function factWords(facts: TimelineEntry['facts']): string {
  return Object.entries(facts)
    .map(([name, value]) => `${clean(name)}=${clean(String(value))}`)
    .join(' ');
}

/** Made harmless when it was written; what a terminal would obey is shown all the same, should it come from elsewhere. */
function clean(text: string): string {
  return visible(text).replace(/\s+/g, ' ').slice(0, 600);
}

function local(instant: string, lang: string): string {
  return new Date(instant).toLocaleString(lang, { dateStyle: 'medium', timeStyle: 'medium' });
}

function clock(instant: string, lang: string): string {
  return new Date(instant).toLocaleTimeString(lang, { timeStyle: 'medium' });
}
