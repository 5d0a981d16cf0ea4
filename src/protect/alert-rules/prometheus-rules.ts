// The built-in alert rules as Prometheus reads them, made from the same data that the gateway counts by.
import { stringify } from 'yaml';
import { type AlertRule, alertRules } from './alert-rules.ts';

const opening = `# Rempart's alert rules for Prometheus. Name this file under rule_files in prometheus.yml.
# Written by "node scripts/docs.ts"; change src/protect/alert-rules/alert-rules.ts instead.
# Events are counted as value now minus value before, since increase() extrapolates: 8 in 45 seconds would be 10 a minute.
# A series that was not there before, or fell with a restart, counts from nothing: its first sample may already be 1. A
# gap of a quarter of an hour or less is not taken for that, unless the process is younger; after a longer one, in which
# Prometheus itself was away, events may be told of once more.
`;

/** The whole file. */
export function prometheusRules(): string {
  const rules = Object.values(alertRules).map(({ alert, severity, summary, ...counted }) => ({
    alert,
    expr: expression(counted),
    labels: { severity },
    annotations: { summary },
  }));
  const groups = [{ name: 'rempart', interval: '15s', rules: [...rules, foreseen] }];
  return opening + stringify({ groups }, { lineWidth: 0 });
}

/** What an instance foresees it says by a series that is there only then. */
const foreseen = {
  alert: 'RempartFailurePredicted',
  expr: 'min by (job, what, target) (rempart_failure_predicted_in_seconds) >= 0',
  labels: { severity: 'medium' },
  annotations: { summary: 'Something will fail soon if it goes on like this' },
};

/** Samples this much older than the window still say that a series is not new. */
const gapSeconds = 900;

/** All instances of a job together, as one attack may come to several. */
function expression({ metric, threshold, windowSeconds }: Pick<AlertRule, 'metric' | 'threshold' | 'windowSeconds'>) {
  const before = `offset ${windowSeconds}s`;
  const known = `last_over_time(${metric}[${gapSeconds}s] ${before})`;
  const sameProcess = `rempart_process_start_time_seconds < time() - ${windowSeconds + gapSeconds}`;
  const fromNothing = `${metric} unless (${known} and on (job, instance) (${sameProcess}))`;
  return `sum by (job) ((${metric} - ${metric} ${before}) >= 0 or (${fromNothing})) >= ${threshold}`;
}
