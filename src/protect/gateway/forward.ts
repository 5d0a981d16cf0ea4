// Tries: which provider, which key, how often and how long apart, until one attempt succeeds or none can.
import type { Log } from '../../platform/base/log.ts';
import { backoffMs, pause } from '../resilience/backoff.ts';
import { type Failure, isProvidersFault } from '../resilience/failure.ts';
import { rideStepMs } from '../resilience/provider-health.ts';
import type { GatewayMetrics } from './metrics.ts';
import type { Provider } from './route.ts';
import type { Retries } from './settings.ts';

export type AttemptEnd<T> =
  | { kind: 'done'; value: T }
  /** `committed`: the caller has seen a part, so nothing may be tried again. */
  | { kind: 'failed'; failure: Failure; committed: boolean }
  | { kind: 'aborted' };

export type Attempt<T> = (provider: Provider, key: string, isFallback: boolean) => Promise<AttemptEnd<T>>;

export type Forwarded<T> =
  | { kind: 'done'; value: T; provider: Provider; isFallback: boolean; attempts: number }
  | { kind: 'failed'; failure: Failure; attempts: number }
  | { kind: 'cut'; failure: Failure; provider: Provider; attempts: number }
  | { kind: 'aborted'; attempts: number };

export interface ForwardParts {
  now: () => number;
  random: () => number;
  log: Log;
  metrics: GatewayMetrics;
}

export interface ForwardLimits {
  retries: Retries;
  /** Milliseconds since the epoch after which no attempt begins. */
  until: number;
  signal: AbortSignal;
  /** Who is served last when a provider's quota runs low is of the highest; default: nobody is. */
  rank?: number;
}

/** The failure reported is the first provider's, since that is the one the caller asked for. */
export async function forward<T>(
  parts: ForwardParts,
  providers: readonly Provider[],
  limits: ForwardLimits,
  attempt: Attempt<T>,
): Promise<Forwarded<T>> {
  let first: Failure | undefined;
  let attempts = 0;
  for (const [position, provider] of providers.entries()) {
    const isLast = position === providers.length - 1;
    const end = await tryProvider(parts, provider, { ...limits, isLast }, (key) => {
      attempts++;
      return attempt(provider, key, position > 0);
    });
    if (end.kind === 'done') return { ...end, provider, isFallback: position > 0, attempts };
    if (end.kind === 'aborted') return { kind: 'aborted', attempts };
    if (end.committed) return { kind: 'cut', failure: end.failure, provider, attempts };
    first ??= end.failure;
    // What one provider finds wrong with the request is wrong for all.
    if (end.failure.kind === 'invalid-request' || parts.now() >= limits.until) break;
  }
  return { kind: 'failed', failure: first ?? { kind: 'unreachable', heals: true }, attempts };
}

async function tryProvider<T>(
  { now, random, log, metrics }: ForwardParts,
  { name, keys, health, foresight }: Provider,
  { retries, until, signal, isLast, rank = 0 }: ForwardLimits & { isLast: boolean },
  attempt: (key: string) => Promise<AttemptEnd<T>>,
): Promise<AttemptEnd<T>> {
  let retry = 0;
  let rides = 0;
  const giveUp = (failure: Failure, committed = false): AttemptEnd<T> => {
    if (isProvidersFault(failure.kind)) health.gaveUp();
    return { kind: 'failed', failure, committed };
  };
  for (;;) {
    const rationedMs = foresight?.wait(rank) ?? 0;
    // No fault of the provider's: what is left there is for others.
    if (rationedMs > 0)
      return {
        kind: 'failed',
        failure: { kind: 'rate-limited', heals: true, retryAfterMs: rationedMs, isRationed: true },
        committed: false,
      };
    const picked = health.pick();
    if (picked.kind === 'refused') return giveUp({ kind: 'key-refused', heals: false });
    let failure: Failure;
    if (picked.kind === 'wait') {
      failure = { kind: picked.because, heals: picked.because === 'rate-limited', retryAfterMs: picked.ms };
    } else {
      const startedAt = now();
      const end = await attempt(keys[picked.index] ?? '');
      metrics.attempt(name, end.kind === 'failed' ? end.failure.kind : end.kind);
      if (end.kind === 'done') health.succeeded(picked.index, startedAt);
      if (end.kind === 'aborted') health.abandoned(picked.index);
      if (end.kind !== 'failed') return end;
      health.failed(picked.index, end.failure);
      log.warn(
        { provider: name, keyIndex: picked.index, failure: end.failure.kind },
        'an attempt at a provider failed',
      );
      if (end.committed) return giveUp(end.failure, true);
      // The next key takes over at once; this is no retry of the same thing.
      if (end.failure.kind === 'key-refused' || end.failure.kind === 'forbidden') continue;
      failure = end.failure;
    }
    // Nothing was sent, and nobody else can answer: a network that comes back within seconds is worth the wait.
    const ride = Math.min(backoffMs(rides, retries.baseMs, random), rideStepMs);
    if (isLast && failure.kind === 'unreachable' && now() + ride < Math.min(health.rideUntil(), until)) {
      rides++;
      if (!(await pause(ride, signal))) return { kind: 'aborted' };
      continue;
    }
    const wait = Math.max(backoffMs(retry, retries.baseMs, random), failure.retryAfterMs ?? 0);
    // A provider that was silent for a whole time limit would be so again, and the user has waited long enough.
    if (failure.kind === 'timeout') return giveUp(failure);
    if (!failure.heals || retry >= retries.max || wait > retries.maxWaitMs || now() + wait >= until)
      return giveUp(failure);
    retry++;
    if (!(await pause(wait, signal))) return { kind: 'aborted' };
  }
}
