// Which deadlines an incident has, and what happens when one passes.
import { createHash } from 'node:crypto';
import type { Incident } from '../../platform/documents/incident.ts';
import type { Incidents } from '../incidents/incidents.ts';
import type { Deadline, Deadlines } from './deadlines.ts';
import { type Matrix, reaches } from './matrix.ts';
import type { Telling, Told } from './tell-people.ts';

export interface FallParts {
  incidents: Incidents;
  deadlines: Deadlines;
  matrix: Matrix;
  now: () => number;
  tell: (incident: Incident, telling: Telling) => Promise<Told>;
  /** Questions of playbooks that people were told of, by this process. */
  asked: Set<string>;
  /** Further deadlines of a type, in minutes from detection. */
  phasesOf: (type: string) => Readonly<Record<string, number>>;
}

const minuteMs = 60_000;
const mostReminders = 7;
const untilAnswered = ['acknowledge', 'remind'];
const postMortem = ['post-mortem', 'post-mortem-remind'];

/** Somebody has taken it on, or it needs nobody any more. */
export function isAnswered({ acknowledgedAt, status }: Incident): boolean {
  return acknowledgedAt !== null || isOver(status);
}

function isOver(status: Incident['status']): boolean {
  return status === 'resolved' || status === 'closed';
}

/** Brings an incident's deadlines to where they must be now; the same again changes nothing. */
export async function follow(parts: FallParts, incident: Incident): Promise<void> {
  const { deadlines, matrix, now, tell, phasesOf } = parts;
  const { id, escalation: level } = incident;
  if (isOver(incident.status)) return afterwards(parts, incident);
  if (isAnswered(incident)) await deadlines.over(id, untilAnswered);
  else {
    const known = await deadlines.find(id, 'acknowledge');
    if (known === null) {
      const within = matrix.of(level).acknowledgeWithin * minuteMs;
      const dueAt = now() + within;
      // First what is to be said: should the process end here, it is found without a deadline and said anew, once.
      await tell(incident, { what: 'alert', level, id: `${id}.alert`, answerBy: dueAt });
      await deadlines.add({ incident: id, kind: 'acknowledge', level, dueAt });
      const dueAgain = now() + matrix.of(level).repeatEvery * minuteMs;
      await deadlines.add({ incident: id, kind: 'remind', level, dueAt: dueAgain });
    } else if (known.state === 'open' && known.level !== level && reaches(level, known.level)) {
      await raised(parts, incident, known);
    }
  }
  await tellQuestions(parts, incident);
  if (incident.containedAt !== null) await deadlines.over(id, ['contain']);
  else await deadlines.add({ incident: id, kind: 'contain', level, dueAt: Date.parse(incident.dueBy) });
  for (const [name, minutes] of Object.entries(phasesOf(incident.type))) {
    const kind = `phase-${name}`;
    if (phaseMoment(incident, name) !== null) await deadlines.over(id, [kind]);
    else
      await deadlines.add({ incident: id, kind, level, dueAt: Date.parse(incident.detectedAt) + minutes * minuteMs });
  }
}

/** Older questions were told of before a restart, or nobody waits for their answer any more. */
const questionMs = 3_600_000;

/** A playbook that waits for people has to be heard of: what it asks may expire. */
async function tellQuestions({ asked, now, tell }: FallParts, incident: Incident): Promise<void> {
  for (const { kind, by, time, facts } of incident.timeline) {
    if (kind !== 'step-asked' || now() - Date.parse(time) > questionMs) continue;
    const key = createHash('sha256').update(`${facts['run']}\n${facts['step']}\n${by}\n${time}`).digest('hex');
    const id = `${incident.id}.asked.${key.slice(0, 16)}`;
    if (asked.has(id)) continue;
    const first = [`${String(facts['step'] ?? by)} (${by})`];
    await tell(incident, { what: 'decision', level: incident.escalation, id, first });
    asked.add(id);
  }
}

/** Those of the new level are told, and have their own time. */
async function raised({ deadlines, matrix, now, tell }: FallParts, incident: Incident, known: Deadline): Promise<void> {
  const { id, escalation: level } = incident;
  const { acknowledgeWithin, repeatEvery } = matrix.of(level);
  const dueAt = now() + acknowledgeWithin * minuteMs;
  await tell(incident, { what: 'escalated', level, id: `${id}.escalated.${level}`, answerBy: dueAt });
  await deadlines.next(known, { dueAt, level });
  const remind = await deadlines.find(id, 'remind');
  if (remind !== null) await deadlines.next(remind, { dueAt: now() + repeatEvery * minuteMs, level });
}

/** What is still owed when it is over: nothing for what was none, else to talk it through. */
async function afterwards({ deadlines, matrix }: FallParts, incident: Incident): Promise<void> {
  const { id, verdict, escalation: level } = incident;
  const open = await deadlines.of(id);
  const isNone = verdict !== null && verdict !== 'true-positive';
  const isDone = isNone || incident.timeline.some(({ kind }) => kind === 'post-mortem');
  const kinds = open.filter(({ state, kind }) => state === 'open' && (isDone || !postMortem.includes(kind)));
  if (kinds.length > 0)
    await deadlines.over(
      id,
      kinds.map(({ kind }) => kind),
    );
  if (isDone || open.some(({ kind }) => kind === 'post-mortem')) return;
  const { within, remindEvery } = matrix.postMortem;
  const dueAt = endOf(incident) + within * minuteMs;
  await deadlines.add({ incident: id, kind: 'post-mortem', level, dueAt });
  const firstAt = Math.max(dueAt - remindEvery * minuteMs, endOf(incident));
  await deadlines.add({ incident: id, kind: 'post-mortem-remind', level, dueAt: firstAt });
}

function endOf({ timeline, closedAt, detectedAt }: Incident): number {
  const resolved = timeline.find(({ kind }) => kind === 'resolved')?.time;
  return Date.parse(resolved ?? closedAt ?? timeline.at(-1)?.time ?? detectedAt);
}

/** A deadline that this node has taken: what was to be done by it has been done, or people hear of it. */
export async function fall(parts: FallParts, due: Deadline): Promise<void> {
  const { incidents, deadlines } = parts;
  const incident = await incidents.find(due.incident);
  if (incident === null) return deadlines.over(due.incident);
  if (due.kind === 'post-mortem-remind') return remindOfPostMortem(parts, incident, due);
  if (isOver(incident.status)) return afterwards(parts, incident);
  switch (due.kind) {
    case 'acknowledge':
      return isAnswered(incident) ? deadlines.over(due.incident, untilAnswered) : unanswered(parts, incident, due);
    case 'remind':
      return isAnswered(incident) ? deadlines.over(due.incident, untilAnswered) : remind(parts, incident, due);
    default:
      return missed(parts, incident, due);
  }
}

async function unanswered(parts: FallParts, incident: Incident, due: Deadline): Promise<void> {
  const { incidents, deadlines, matrix, now, tell } = parts;
  const level = incident.escalation;
  const above = matrix.above(level);
  if (above !== null && due.level === level) {
    const after = await incidents.escalate(incident.id, above, 'escalation');
    return follow(parts, after);
  }
  if (due.level !== level) return follow(parts, incident);
  // At the top there is nobody above: the same people, again and again.
  const dueAt = now() + matrix.of(level).acknowledgeWithin * minuteMs;
  await tell(incident, { what: 'reminder', level, id: `${incident.id}.top.${due.round}`, answerBy: dueAt });
  await deadlines.next(due, { dueAt });
}

async function remind(parts: FallParts, incident: Incident, due: Deadline): Promise<void> {
  const { deadlines, matrix, now, tell } = parts;
  const { id, escalation: level } = incident;
  const answer = await deadlines.find(id, 'acknowledge');
  const dueAt = now() + matrix.of(level).repeatEvery * minuteMs;
  // Just before the level above is told, or at the top where that deadline speaks for itself, one of the two is enough.
  const isCloseBy = answer?.state === 'open' && answer.dueAt - now() < matrix.of(level).repeatEvery * minuteMs * 0.2;
  const isSame = matrix.above(level) === null && matrix.of(level).repeatEvery >= matrix.of(level).acknowledgeWithin;
  if (!isCloseBy && !isSame) {
    const answerBy = answer?.state === 'open' ? { answerBy: answer.dueAt } : {};
    await tell(incident, { what: 'reminder', level, id: `${id}.reminder.${due.round}`, ...answerBy });
  }
  await deadlines.next(due, { dueAt });
}

/**
 * Not contained, or a phase not begun, in time: those above hear of it, until it is done or there is nobody above. While
 * nobody has acknowledged, the level goes up for that alone, not for each thing that is late because of it.
 */
async function missed(parts: FallParts, incident: Incident, due: Deadline): Promise<void> {
  const { incidents, deadlines, matrix, now, tell } = parts;
  const name = due.kind === 'contain' ? 'contain' : due.kind.slice('phase-'.length);
  if (phaseMoment(incident, name) !== null) return deadlines.over(incident.id, [due.kind]);
  const level = (isAnswered(incident) ? matrix.above(incident.escalation) : null) ?? incident.escalation;
  const told = level === incident.escalation ? incident : await incidents.escalate(incident.id, level, 'escalation');
  await incidents.note(incident.id, { kind: 'deadline-missed', by: 'escalation', facts: { deadline: name } });
  const first = [`${name}: ${new Date(due.dueAt).toISOString()}`];
  await tell(told, { what: 'overdue', level, id: `${incident.id}.overdue.${name}.${due.round}`, first });
  if ((isAnswered(incident) && level === incident.escalation) || due.round >= 3)
    return deadlines.over(incident.id, [due.kind]);
  await deadlines.next(due, { dueAt: now() + matrix.of(level).acknowledgeWithin * minuteMs, level });
}

async function remindOfPostMortem(parts: FallParts, incident: Incident, due: Deadline): Promise<void> {
  const { deadlines, matrix, now, tell } = parts;
  await afterwards(parts, incident);
  const held = await deadlines.find(incident.id, 'post-mortem');
  if (held?.state !== 'open') return closePostMortem(deadlines, incident.id);
  const { escalation: level, id } = incident;
  await tell(incident, { what: 'post-mortem', level, id: `${id}.post-mortem.${due.round}`, answerBy: held.dueAt });
  // It stays on the record as overdue; a mail a day for ever would only be filtered out.
  if (due.round + 1 >= mostReminders) await deadlines.over(id, ['post-mortem-remind']);
  else await deadlines.next(due, { dueAt: now() + matrix.postMortem.remindEvery * minuteMs });
}

export function closePostMortem(deadlines: Deadlines, incident: string): Promise<void> {
  return deadlines.over(incident, postMortem);
}

/** The moment that ends a phase; what no moment is named for ends with containment. */
function phaseMoment(incident: Incident, name: string): string | null {
  switch (name) {
    case 'actions':
      return incident.firstActionAt ?? incident.containedAt;
    case 'investigation':
      return incident.investigationAt;
    case 'cause':
      return incident.causeIdentifiedAt;
    case 'restore':
      return incident.restoredAt;
    default:
      return incident.containedAt;
  }
}
