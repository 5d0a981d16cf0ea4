// What the parts of respond ask of incidents; the repository behind it keeps them.
import type { EscalationLevel, Incident, IncidentMoment, IncidentVerdict } from '../../platform/documents/incident.ts';
import type { Detection } from '../detectors/detector.ts';

export interface IncidentFilter {
  open?: boolean;
  type?: string;
  /** Newest first; at most so many. */
  limit?: number;
}

export interface TimelineFacts {
  kind: string;
  by: string;
  facts?: Readonly<Record<string, string | number | boolean>>;
}

/** Each change is on disk and in the journal when it resolves. */
export interface Incidents {
  /** A new incident, or the open one of the same type and subject, which then counts the repeat. */
  detected(detection: Detection, parent?: string | null): Promise<{ incident: Incident; isNew: boolean }>;
  find(id: string): Promise<Incident | null>;
  list(filter?: IncidentFilter): Promise<Incident[]>;
  /** The first mark of a moment stands; `containedAt` and `restoredAt` move the status as well. */
  mark(id: string, moment: IncidentMoment, by: string): Promise<Incident>;
  acknowledge(id: string, by: string): Promise<Incident>;
  escalate(id: string, level: EscalationLevel, by: string): Promise<Incident>;
  resolve(id: string, by: string): Promise<Incident>;
  close(id: string, verdict: IncidentVerdict, by: string): Promise<Incident>;
  note(id: string, entry: TimelineFacts): Promise<Incident>;
  /** Impact, causes, corrections, lessons, as people or the report fill them in. */
  amend(
    id: string,
    change: Partial<Pick<Incident, 'impact' | 'causes' | 'actions' | 'lessons'>>,
    by: string,
  ): Promise<Incident>;
  /** A run of a playbook began, or came to its end. */
  run(id: string, run: Incident['playbookRuns'][number]): Promise<Incident>;
  /** Told after each change that is on disk; returns what ends it. */
  onChange(listener: (incident: Incident, what: 'opened' | 'changed') => void): () => void;
}
