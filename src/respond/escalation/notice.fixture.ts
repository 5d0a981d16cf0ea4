// For tests: a notice as it is put into the outbox.
import type { Notice } from './notice.ts';

export function exampleNotice(change: Partial<Notice> = {}): Notice {
  return {
    what: 'alert',
    lang: 'en',
    at: Date.parse('2026-03-01T12:00:01.000Z'),
    incident: {
      id: 'INC-20260301-120000',
      type: 'unauthorised-access',
      title: 'Unauthorised access',
      level: 2,
      status: 'detected',
      subject: 'gateway',
      detectedAt: '2026-03-01T12:00:00.000Z',
      dueBy: '2026-03-01T14:00:00.000Z',
    },
    escalation: 'warning',
    instead: null,
    answerBy: '2026-03-01T12:30:00.000Z',
    who: 'Security team',
    expected: ['Investigate', 'Contain what was hit'],
    host: 'bastion',
    ip: '192.0.2.10',
    details: ['2026-03-01T12:00:00.000Z brute-force: attempts=40, source=198.51.100.7'],
    deeds: { services: true, states: false, logs: false, monitoring: false },
    toCall: [],
    mark: {
      stream: 'respond',
      seq: 12,
      hash: 'a'.repeat(64),
      checkpoint: 3,
      key: 'b'.repeat(64),
      signature: 'c'.repeat(86),
    },
    ...change,
  };
}
