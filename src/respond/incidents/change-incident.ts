// How an incident changes: each change a pure function from one document to the next, with its line in the timeline.
import { RempartError } from '../../platform/base/errors.ts';
import {
  type EscalationLevel,
  escalationLevels,
  type Incident,
  type IncidentMoment,
  type IncidentVerdict,
  type TimelineEntry,
} from '../../platform/documents/incident.ts';
import type { Detection } from '../detectors/detector.ts';
import type { IncidentType } from '../taxonomy/taxonomy.ts';
import { harmlessFacts, harmlessName, line } from './harmless.ts';
import type { TimelineFacts } from './incidents.ts';

/** Undefined where nothing would change. */
export type Change = (incident: Incident, now: number) => Incident | undefined;

const mostSignals = 50;
const mostEntries = 1_000;

export function newIncident(id: string, type: IncidentType, detection: Detection, parent: string | null): Incident {
  const at = (ms: number) => new Date(ms).toISOString();
  const { detector, subject, occurredAt, detectedAt, facts } = detection;
  return {
    schema: 'rempart/incident@1',
    id,
    type: type.id,
    level: type.level,
    status: 'detected',
    verdict: null,
    escalation: type.escalation,
    subject,
    parent,
    occurredAt: at(occurredAt),
    detectedAt: at(detectedAt),
    firstActionAt: null,
    acknowledgedAt: null,
    investigationAt: null,
    causeIdentifiedAt: null,
    containedAt: null,
    solutionAt: null,
    restoredAt: null,
    validatedAt: null,
    closedAt: null,
    dueBy: at(detectedAt + type.respondWithinMinutes * 60_000),
    signals: [{ detector, time: at(detectedAt), facts: { ...facts }, repeats: 0 }],
    timeline: [{ time: at(detectedAt), kind: 'detected', by: detector, facts: { ...facts } }],
    playbookRuns: [],
    impact: { downtimeMinutes: null, services: [], dataCompromised: null, usersAffected: null },
    causes: [],
    actions: { corrective: [], preventive: [] },
    lessons: [],
  };
}

/** Seen again: counted with its detector; a new detector has a line of its own. */
export const repeated =
  ({ detector, detectedAt, facts }: Detection): Change =>
  (incident) => {
    const known = incident.signals.findIndex((signal) => signal.detector === detector);
    const time = new Date(detectedAt).toISOString();
    if (known < 0 && incident.signals.length < mostSignals) {
      const signals = [...incident.signals, { detector, time, facts: { ...facts }, repeats: 0 }];
      return withEntry({ ...incident, signals }, { time, kind: 'detected', by: detector, facts: { ...facts } });
    }
    const counted = known < 0 ? 0 : known;
    const signals = incident.signals.map((signal, index) =>
      index === counted ? { ...signal, repeats: signal.repeats + 1 } : signal,
    );
    return { ...incident, signals };
  };

export const acknowledged =
  (by: string): Change =>
  (incident, now) => {
    refuseOver(incident);
    if (incident.acknowledgedAt !== null) return undefined;
    const status = incident.status === 'detected' ? 'acknowledged' : incident.status;
    return told({ ...incident, status, acknowledgedAt: iso(now) }, now, 'acknowledged', by);
  };

/** The first mark stands: a later one changes nothing. */
export const marked =
  (moment: IncidentMoment, by: string): Change =>
  (incident, now) => {
    if (incident.status === 'closed') throw over(incident);
    if (incident[moment] !== null) return undefined;
    const next = { ...incident, [moment]: iso(now) };
    if (moment === 'containedAt' && isActive(incident)) next.status = 'contained';
    // What is restored is contained, at the latest by then.
    if (moment === 'restoredAt' && isActive(incident)) {
      next.status = 'resolved';
      next.containedAt ??= iso(now);
    }
    return told(next, now, 'marked', by, { moment });
  };

export const escalated =
  (level: EscalationLevel, by: string): Change =>
  (incident, now) => {
    refuseOver(incident);
    if (escalationLevels.indexOf(level) <= escalationLevels.indexOf(incident.escalation)) return undefined;
    return told({ ...incident, escalation: level }, now, 'escalated', by, { from: incident.escalation, to: level });
  };

export const resolved =
  (by: string): Change =>
  (incident, now) => {
    refuseOver(incident);
    const { containedAt, restoredAt } = incident;
    const ended = { containedAt: containedAt ?? iso(now), restoredAt: restoredAt ?? iso(now) };
    return told({ ...incident, ...ended, status: 'resolved' }, now, 'resolved', by);
  };

export const closed =
  (verdict: IncidentVerdict, by: string): Change =>
  (incident, now) => {
    if (incident.status === 'closed') throw over(incident);
    return told({ ...incident, status: 'closed', verdict, closedAt: iso(now) }, now, 'closed', by, { verdict });
  };

export const noted =
  ({ kind, by, facts }: TimelineFacts): Change =>
  (incident, now) =>
    told(incident, now, line(kind, 64), by, harmlessFacts(facts ?? {}));

export type Amendment = Partial<Pick<Incident, 'impact' | 'causes' | 'actions' | 'lessons'>>;

export const amended =
  (change: Amendment, by: string): Change =>
  (incident, now) => {
    const { impact, causes, actions, lessons } = change;
    const texts = (list: readonly string[]) => list.slice(0, 100).map((text) => line(text, 2_000));
    const corrections = (list: Incident['actions']['corrective']) =>
      list.slice(0, 100).map(({ text, done }) => ({ text: line(text, 2_000), done }));
    return told(
      {
        ...incident,
        ...(impact === undefined
          ? {}
          : { impact: { ...impact, services: impact.services.slice(0, 100).map(harmlessName) } }),
        ...(causes === undefined ? {} : { causes: texts(causes) }),
        ...(lessons === undefined ? {} : { lessons: texts(lessons) }),
        ...(actions === undefined
          ? {}
          : { actions: { corrective: corrections(actions.corrective), preventive: corrections(actions.preventive) } }),
      },
      now,
      'amended',
      by,
      { what: Object.keys(change).sort().join(', ') },
    );
  };

export const ranPlaybook =
  (run: Incident['playbookRuns'][number]): Change =>
  (incident, now) => {
    const before = incident.playbookRuns.find((one) => one.run === run.run);
    // The engine may have taken it before its start was noted.
    if (before !== undefined && (before.state === run.state || run.state === 'waiting')) return undefined;
    const kept = { ...run, playbook: before?.playbook ?? harmlessName(run.playbook) };
    const playbookRuns =
      before === undefined
        ? [...incident.playbookRuns, kept]
        : incident.playbookRuns.map((one) => (one === before ? kept : one));
    return told({ ...incident, playbookRuns }, now, `run-${run.state}`, kept.playbook, { run: run.run });
  };

function isActive({ status }: Incident): boolean {
  return status !== 'resolved' && status !== 'closed';
}

function refuseOver(incident: Incident): void {
  if (!isActive(incident)) throw over(incident);
}

function over({ id, status }: Incident): RempartError {
  return new RempartError('ERR_INCIDENT_OVER', { id, status: { key: `incident.status.${status}` } });
}

function told(incident: Incident, now: number, kind: string, by: string, facts: TimelineEntry['facts'] = {}): Incident {
  return withEntry(incident, { time: iso(now), kind, by: harmlessName(by), facts });
}

/** Where a timeline grows beyond all bounds its beginning and its end are kept, and the lines between are counted. */
function withEntry(incident: Incident, entry: TimelineEntry): Incident {
  const { timeline } = incident;
  if (timeline.length < mostEntries) return { ...incident, timeline: [...timeline, entry] };
  const half = mostEntries / 2;
  const between = timeline[half]!;
  const isCount = between.kind === 'more';
  const count = isCount ? Number(between.facts['count']) + 1 : 2;
  const counted = { time: between.time, kind: 'more', by: 'rempart', facts: { count } };
  return { ...incident, timeline: [...timeline.slice(0, half), counted, ...timeline.slice(half + 2), entry] };
}

function iso(now: number): string {
  return new Date(now).toISOString();
}
