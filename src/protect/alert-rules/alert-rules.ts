// The alert rules, as data: what is counted, from how many on within how long it is an alert, and how grave.
import type { Signal } from '../../platform/signals.ts';

export const alertRules = {
  'failed-auth': {
    metric: 'rempart_failed_auth_attempts_total',
    threshold: 10,
    windowSeconds: 60,
    severity: 'high',
    alert: 'RempartFailedAuthentications',
    summary: '10 or more failed authentications within a minute',
  },
  'suspicious-prompts': {
    metric: 'rempart_suspicious_prompts_total',
    threshold: 5,
    windowSeconds: 3_600,
    severity: 'medium',
    alert: 'RempartSuspiciousPrompts',
    summary: '5 or more suspicious prompts within an hour',
  },
  'host-access': {
    metric: 'rempart_host_access_violations_total',
    threshold: 1,
    windowSeconds: 300,
    severity: 'critical',
    alert: 'RempartHostAccessViolation',
    summary: 'A connection to a port of the host that is not allowed',
  },
} as const satisfies Record<string, AlertRule>;

export interface AlertRule {
  metric: string;
  /** So many within the window are an alert. */
  threshold: number;
  windowSeconds: number;
  severity: Signal['severity'];
  /** Its name in Prometheus. */
  alert: string;
  summary: string;
}

export type AlertRuleName = keyof typeof alertRules;
