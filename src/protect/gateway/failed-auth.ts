// Failed authentications: each counted; journalled up to a rate that no flood can raise, the rest as a number; a signal at the first, fifth, twenty-fifth … of one source within a minute.
import { RempartError } from '../../platform/base/errors.ts';
import type { Signals } from '../../platform/signals.ts';
import type { Authentication } from './authenticate.ts';
import type { GatewayMetrics } from './metrics.ts';
import type { Recorder } from './record.ts';
import { sourceNetwork } from './source-network.ts';

export interface FailedAuth {
  requestId: string;
  sourceIp: string;
  /** `login`: a wrong password, or one key too many. */
  reason: 'missing' | 'unknown' | 'expired' | 'revoked' | 'login' | 'locked-out';
  credential?: string;
}

const windowMs = 60_000;
/** Sources kept at most: an attacker with many addresses must not fill the memory. */
const maxSources = 10_000;
/**
 * Records of one source for one reason, and of all together, in a minute: an attacker must not fill the disk either.
 * By reason, so that guesses that were not even looked at do not hide those that were.
 */
const maxRecordsPerReason = 20;
const maxRecords = 300;

export interface FailedAuthParts {
  now: () => number;
  signals: Signals;
  recorder: Recorder;
  metrics: GatewayMetrics;
}

/** What is told to whom no credential opened; counted and journalled but where it was no failure of theirs. */
export function refusalOf(
  found: Exclude<Authentication, { kind: 'known' }>,
  source: Pick<FailedAuth, 'requestId' | 'sourceIp'>,
  failed: FailedAuths['failed'],
): RempartError {
  switch (found.kind) {
    case 'missing':
      failed({ ...source, reason: 'missing' });
      return new RempartError('ERR_KEY_MISSING');
    case 'refused':
      failed({
        ...source,
        reason: found.reason,
        ...(found.credential === undefined ? {} : { credential: found.credential }),
      });
      return new RempartError('ERR_KEY_INVALID');
    case 'locked':
      failed({ ...source, reason: 'locked-out' });
      return new RempartError('ERR_LOCKED_OUT', { seconds: found.seconds });
    case 'away':
      return new RempartError('ERR_TOKEN_KEYS_AWAY', { seconds: found.seconds });
  }
}

export interface FailedAuths {
  failed(failure: FailedAuth): void;
  /** Journals how many were not journalled one by one. */
  close(): void;
}

export function createFailedAuth({ now, signals, recorder, metrics }: FailedAuthParts): FailedAuths {
  const sources = new Map<string, { since: number; count: number; tellAt: number; reasons: Map<string, number> }>();
  const budget = createBudget(now, recorder.suppressedAuth);

  return {
    failed(failure) {
      metrics.failedAuth(failure.reason);
      const at = now();
      const name = sourceNetwork(failure.sourceIp);
      let source = sources.get(name);
      if (source === undefined || at - source.since > windowMs) {
        if (sources.size >= maxSources) sources.clear();
        source = { since: at, count: 0, tellAt: 1, reasons: new Map() };
        sources.set(name, source);
      }
      source.count++;
      const ofReason = (source.reasons.get(failure.reason) ?? 0) + 1;
      source.reasons.set(failure.reason, ofReason);
      if (ofReason <= maxRecordsPerReason && budget.take()) recorder.failedAuth(failure);
      else budget.suppress(failure.sourceIp);
      if (source.count < source.tellAt) return;
      source.tellAt *= 5;
      const severity = source.count >= 25 ? 'high' : source.count >= 5 ? 'medium' : 'low';
      signals.emit({ kind: 'failed-auth', time: at, severity, facts: { reason: failure.reason, count: source.count } });
    },
    close: budget.close,
  };
}

/** How many records this minute may still have, and the one record that stands for those it may not. */
export function createBudget(
  now: () => number,
  tell: (suppressed: { count: number; since: number; sourceIp: string }) => void,
) {
  let since = 0;
  let written = 0;
  let suppressed = 0;
  let lastIp = '';
  let timer: NodeJS.Timeout | undefined;

  function flush(): void {
    clearTimeout(timer);
    timer = undefined;
    if (suppressed === 0) return;
    tell({ count: suppressed, since, sourceIp: lastIp });
    suppressed = 0;
  }

  function begin(): void {
    if (now() - since <= windowMs) return;
    flush();
    since = now();
    written = 0;
  }

  return {
    take(): boolean {
      begin();
      return written++ < maxRecords;
    },
    suppress(sourceIp: string): void {
      begin();
      suppressed++;
      lastIp = sourceIp;
      timer ??= setTimeout(flush, windowMs).unref();
    },
    close: flush,
  };
}
