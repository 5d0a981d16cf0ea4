// Bodies of OCSF 1.8.0 events for incidents and for what is done about them: Incident Finding and the four Remediation classes.
import type { JsonObject } from '../base/json.ts';
import { base, type EventBase } from './ocsf.ts';

const activities = { create: 1, update: 2, close: 3 } as const;
/** Of an Incident Finding; what is contained is still at work. */
const statuses = { detected: 1, acknowledged: 2, contained: 2, resolved: 4, closed: 5 } as const;
const verdicts = { 'false-positive': 1, 'true-positive': 2, test: 6, duplicate: 10 } as const;
const priorities = { 1: 4, 2: 3, 3: 2 } as const;

export interface IncidentFinding extends Omit<EventBase, 'status' | 'statusCode'> {
  activity: keyof typeof activities;
  /** Of the incident. */
  uid: string;
  title: string;
  incidentStatus: keyof typeof statuses;
  level: keyof typeof priorities;
  verdict?: keyof typeof verdicts;
  /** Who answers for it: an account, or those that the escalation level names. */
  assignee: string;
  /** Names of detectors that saw it. */
  analytics: readonly string[];
}

/** Incident Finding, class 2005. */
export function incidentFinding(facts: IncidentFinding): JsonObject {
  const { time, severity, correlation, unmapped } = facts;
  const event: EventBase = {
    time,
    ...(severity === undefined ? {} : { severity }),
    ...(correlation === undefined ? {} : { correlation }),
    ...(unmapped === undefined ? {} : { unmapped }),
  };
  const analytics = facts.analytics.length === 0 ? [undefined] : facts.analytics;
  return {
    ...base(2, 2005, activities[facts.activity], event, []),
    status_id: statuses[facts.incidentStatus],
    priority_id: priorities[facts.level],
    assignee_group: { name: facts.assignee },
    finding_info_list: analytics.map((name) => ({
      uid: facts.uid,
      title: facts.title,
      ...(name === undefined ? {} : { analytic: { name, type_id: 1 } }),
    })),
    ...(facts.verdict === undefined ? {} : { verdict_id: verdicts[facts.verdict] }),
  };
}

const remediations = { isolate: 1, evict: 2, restore: 3, harden: 4, detect: 5 } as const;
export type RemediationKind = keyof typeof remediations;

export interface Remediation extends EventBase {
  kind: RemediationKind;
  /** The same for the same step, before and after a crash. */
  commandUid: string;
  /** What was done, in the words of the action. */
  description: string;
  /** What it was done to: 7002 for a file, 7003 for a process or container, 7004 for a connection, else 7001. */
  on: { kind: 'file' | 'process' | 'network'; name: string } | { kind: 'other' };
}

/** Remediation Activity, class 7001, or that of files 7002, of processes 7003, of the network 7004. */
export function remediation(facts: Remediation): JsonObject {
  const activity = remediations[facts.kind];
  const { on } = facts;
  const more = { command_uid: facts.commandUid, remediation: { desc: facts.description } };
  switch (on.kind) {
    case 'other':
      return { ...base(7, 7001, activity, facts, []), ...more };
    case 'file':
      // 0: whether it is a file or a folder is not known here.
      return { ...base(7, 7002, activity, facts, []), ...more, file: { name: on.name, type_id: 0 } };
    case 'process':
      return { ...base(7, 7003, activity, facts, []), ...more, process: { name: on.name, uid: on.name } };
    case 'network':
      return { ...base(7, 7004, activity, facts, []), ...more, connection_info: { direction_id: 0, uid: on.name } };
  }
}
