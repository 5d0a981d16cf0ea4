// Failed authentications: each counted and journalled, and a signal at the first, fifth, twenty-fifth … of one source within a minute.
import type { Signals } from '../../platform/signals.ts';
import type { GatewayMetrics } from './metrics.ts';
import type { Recorder } from './record.ts';

export interface FailedAuth {
  requestId: string;
  sourceIp: string;
  reason: 'missing' | 'unknown' | 'expired' | 'revoked';
  credential?: string;
}

const windowMs = 60_000;
/** Sources kept at most: an attacker with many addresses must not fill the memory. */
const maxSources = 10_000;

export interface FailedAuthParts {
  now: () => number;
  signals: Signals;
  recorder: Recorder;
  metrics: GatewayMetrics;
}

export function createFailedAuth({ now, signals, recorder, metrics }: FailedAuthParts): (failure: FailedAuth) => void {
  const sources = new Map<string, { since: number; count: number; tellAt: number }>();
  return (failure) => {
    metrics.failedAuth(failure.reason);
    recorder.failedAuth(failure);
    const at = now();
    let source = sources.get(failure.sourceIp);
    if (source === undefined || at - source.since > windowMs) {
      if (sources.size >= maxSources) sources.clear();
      source = { since: at, count: 0, tellAt: 1 };
      sources.set(failure.sourceIp, source);
    }
    source.count++;
    if (source.count < source.tellAt) return;
    source.tellAt *= 5;
    const severity = source.count >= 25 ? 'high' : source.count >= 5 ? 'medium' : 'low';
    signals.emit({ kind: 'failed-auth', time: at, severity, facts: { reason: failure.reason, count: source.count } });
  };
}
