// What the journal is told of an incident: a finding for each detection, and the incident itself at each change.
import type { JsonObject } from '../../platform/base/json.ts';
import type { Incident } from '../../platform/documents/incident.ts';
import { detectionFinding, type Severity } from '../../platform/journal/ocsf.ts';
import { incidentFinding } from '../../platform/journal/ocsf-incident.ts';
import type { Detection } from '../detectors/detector.ts';
import type { IncidentType } from '../taxonomy/taxonomy.ts';

const severities = { 1: 'critical', 2: 'high', 3: 'medium' } as const satisfies Record<number, Severity>;

/** OCSF 2004 for what a detector saw; `repeat` when its incident is open already. */
export function detectionEvent(
  detection: Detection,
  incident: string,
  type: IncidentType,
  repeat: boolean,
): JsonObject {
  const { detector, subject, occurredAt, detectedAt, severity, facts } = detection;
  return detectionFinding({
    activity: repeat ? 'update' : 'create',
    time: detectedAt,
    severity,
    correlation: incident,
    uid: `${incident}:${detector}`,
    title: type.title.en,
    analytic: detector,
    types: [type.id],
    unmapped: { detection: { subject, occurredAt: new Date(occurredAt).toISOString(), facts: { ...facts } } },
  });
}

/** OCSF 2005: all of the document but its lists, and the last line of its timeline. */
export function incidentEvent(incident: Incident, title: string, time: number, late = false): JsonObject {
  const { schema: _, signals, timeline, ...document } = incident;
  const change = timeline[timeline.length - 1];
  return incidentFinding({
    activity: incident.status === 'closed' ? 'close' : change?.kind === 'detected' ? 'create' : 'update',
    time,
    severity: severities[incident.level],
    correlation: incident.id,
    uid: incident.id,
    title,
    incidentStatus: incident.status,
    level: incident.level,
    ...(incident.verdict === null ? {} : { verdict: incident.verdict }),
    assignee: incident.escalation,
    analytics: [...new Set(signals.map(({ detector }) => detector))],
    unmapped: {
      incident: document as unknown as JsonObject,
      ...(change === undefined ? {} : { change: change as unknown as JsonObject }),
      // The change was on disk before a crash, and is told only now.
      ...(late ? { late } : {}),
    },
  });
}
