// For tests: an incident that went all the way, with everything a report is filled from.
import type { Incident } from '../../../platform/documents/incident.ts';
import { begin, exampleIncident } from '../../escalation/escalation.fixture.ts';
import type { ReportFacts } from './report-of.ts';

const at = (minutes: number) => new Date(begin + minutes * 60_000).toISOString();

export function exampleReport(change: Partial<Incident> = {}): ReportFacts {
  const incident = exampleIncident({
    type: 'container-escape',
    level: 1,
    status: 'closed',
    verdict: 'true-positive',
    escalation: 'emergency',
    subject: 'assistant',
    occurredAt: at(-1),
    firstActionAt: at(0.05),
    acknowledgedAt: at(3),
    investigationAt: at(4),
    causeIdentifiedAt: at(20),
    containedAt: at(0.1),
    solutionAt: at(40),
    restoredAt: at(45),
    validatedAt: at(60),
    closedAt: at(90),
    timeline: [
      { time: at(0), kind: 'detected', by: 'container-events', facts: { process: 'nsenter' } },
      { time: at(0.05), kind: 'step-done', by: 'containers.kill', facts: { run: 'run_1', targets: 'assistant' } },
      { time: at(1), kind: 'notified', by: 'escalation', facts: { contact: 'Sec', channel: 'mail', what: 'alert' } },
      { time: at(3), kind: 'acknowledged', by: 'sec', facts: {} },
    ],
    playbookRuns: [{ run: 'run_1', playbook: 'container-escape', state: 'done' }],
    impact: { downtimeMinutes: 45, services: ['assistant'], dataCompromised: false, usersAffected: 12 },
    causes: ['A mounted socket of the engine.'],
    actions: {
      corrective: [{ text: 'Took the mount away', done: true }],
      preventive: [{ text: 'Scan compose files in CI', done: false }],
    },
    lessons: ['Mounts are reviewed.'],
    ...change,
  });
  return {
    incident,
    title: { en: 'Container escape', fr: 'Évasion de conteneur' },
    deadlines: [
      {
        id: 'x',
        incident: incident.id,
        kind: 'post-mortem',
        level: 'emergency',
        dueAt: begin + 93 * 3_600_000,
        round: 0,
        state: 'open',
      },
    ],
    checklist: [
      {
        point: 'services',
        state: 'ok',
        evidence: { healthy: 3 },
        checkedAt: at(50),
        tick: null,
        passed: true,
      },
      {
        point: 'logs',
        state: 'not-ok',
        evidence: { detections: 1 },
        checkedAt: at(50),
        tick: { by: 'ada', at: at(55), note: 'known' },
        passed: true,
      },
    ],
    messages: [
      {
        what: 'alert',
        contact: 'Sec',
        channel: 'mail',
        state: 'sent',
        createdAt: begin,
        endedAt: begin + 1,
        code: null,
      },
      {
        what: 'alert',
        contact: 'Boss',
        channel: 'mail',
        state: 'failed',
        createdAt: begin,
        endedAt: begin + 2,
        code: 'smtp-550',
      },
    ],
    actions: [
      {
        run: 'run_1',
        action: 'containers.save-logs',
        at: begin + 2_000,
        evidence: { files: { 'assistant.log': 'd'.repeat(64) } },
        undone: false,
      },
      { run: 'run_1', action: 'containers.kill', at: begin + 3_000, evidence: { killed: 1 }, undone: false },
    ],
    heightened: { incident: incident.id, type: incident.type, from: begin, until: begin + 72 * 3_600_000 },
    mark: {
      stream: 'respond',
      seq: 12,
      hash: 'a'.repeat(64),
      checkpoint: 3,
      key: 'b'.repeat(64),
      signature: 'c'.repeat(86),
    },
  };
}
