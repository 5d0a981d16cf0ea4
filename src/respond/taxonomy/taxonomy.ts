// The taxonomy of incidents: types, levels, deadlines and what answers each, from `rules/incidents/`.
import type { EscalationLevel } from '../../platform/documents/incident.ts';

export interface IncidentType {
  /** e.g. `container-escape`; a drill's scenario is spelt with underscores. */
  id: string;
  level: 1 | 2 | 3;
  escalation: EscalationLevel;
  /** Minutes from detection to containment. */
  respondWithinMinutes: number;
  /** Further deadlines, e.g. investigation, in minutes from detection. */
  phases: Readonly<Record<string, number>>;
  /** MITRE ATLAS technique ids. */
  atlas: readonly string[];
  /** OWASP ids with their year, e.g. `LLM01:2025`. */
  owasp: readonly string[];
  detectors: readonly string[];
  /** File name under `playbooks/` without its ending. */
  playbook: string;
  /** Scenario of the drill. */
  drill: string;
  title: { en: string; fr: string };
  example: { en: string; fr: string };
  impact: { en: string; fr: string };
}
