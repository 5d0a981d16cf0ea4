// The built-in alert rules at work: counts what the metrics count, and raises one signal when a threshold is reached.
import type { Signal, Signals } from '../../platform/signals.ts';
import type { GatewayMetrics } from '../gateway/metrics.ts';
import { type AlertRule, type AlertRuleName, alertRules } from './alert-rules.ts';

export interface Thresholds {
  /** The same metrics, counted by the rules on their way. */
  metrics: GatewayMetrics;
  close(): void;
}

export interface ThresholdsParts {
  now: () => number;
  signals: Signals;
  metrics: GatewayMetrics;
}

export function watchThresholds({ now, signals, metrics }: ThresholdsParts): Thresholds {
  const counters = Object.fromEntries(
    Object.entries(alertRules).map(([name, rule]) => [name, createThreshold(name, rule, now, signals)]),
  ) as Record<AlertRuleName, () => void>;
  // Connections are counted by the network monitor, which tells of each by a signal.
  const unsubscribe = signals.subscribe((signal) => {
    if (isHostAccess(signal)) counters['host-access']();
  });
  return {
    metrics: {
      ...metrics,
      failedAuth(reason) {
        metrics.failedAuth(reason);
        counters['failed-auth']();
      },
      suspicious(category, role) {
        metrics.suspicious(category, role);
        counters['suspicious-prompts']();
      },
    },
    close: unsubscribe,
  };
}

function isHostAccess({ kind, facts }: Signal): boolean {
  return kind === 'network-crossing' && facts['kind'] === 'host-access';
}

/** Remembers the last so many times; while it stays above the threshold it tells so once a window. */
export function createThreshold(
  name: string,
  { threshold, windowSeconds, severity }: Pick<AlertRule, 'threshold' | 'windowSeconds' | 'severity'>,
  now: () => number,
  signals: Pick<Signals, 'emit'>,
): () => void {
  const windowMs = windowSeconds * 1_000;
  const times: number[] = [];
  let toldAt = Number.NEGATIVE_INFINITY;
  return () => {
    const at = now();
    times.push(at);
    if (times.length > threshold) times.shift();
    const enough = times.length === threshold && at - times[0]! < windowMs;
    if (!enough || at - toldAt < windowMs) return;
    toldAt = at;
    signals.emit({ kind: 'alert-threshold', time: at, severity, facts: { rule: name, threshold, windowSeconds } });
  };
}
