// A circuit breaker for one provider key: after a run of failures nothing is sent until one trial has succeeded.

export type BreakerState =
  | { kind: 'closed'; failures: number }
  | { kind: 'open'; until: number }
  /** One trial is under way; `since` frees the place if it never ends. */
  | { kind: 'half-open'; since: number };

export type Admission = { kind: 'go'; trial: boolean } | { kind: 'wait'; ms: number };

export interface BreakerSettings {
  /** Failures in a row that open it. */
  failures: number;
  halfOpenMs: number;
}

/** How long a trial may hold the only place before another is let through. */
const trialMs = 30_000;

export interface Breaker {
  admit(now: number): Admission;
  /** Milliseconds until it would admit; takes nobody's place. */
  waitMs(now: number): number;
  succeeded(): void;
  /** `openMs`: how long it stays open should this failure open it; default the usual time. */
  failed(now: number, openMs?: number): void;
  /** A sign of life from outside the traffic: lets requests through, and one failure opens it again. */
  heard(): void;
  /** A trial that ended without a verdict (the caller went away) gives its place back. */
  release(now: number): void;
  state(): BreakerState['kind'];
}

export function createBreaker({ failures: limit, halfOpenMs }: BreakerSettings): Breaker {
  let state: BreakerState = { kind: 'closed', failures: 0 };
  const open = (now: number, ms = halfOpenMs) => {
    state = { kind: 'open', until: now + ms };
  };
  function waitMs(now: number): number {
    if (state.kind === 'closed') return 0;
    const ms = state.kind === 'open' ? state.until - now : state.since + trialMs - now;
    if (ms <= 0) return 0;
    return state.kind === 'open' ? ms : halfOpenMs;
  }
  return {
    admit(now) {
      if (state.kind === 'closed') return { kind: 'go', trial: false };
      const ms = waitMs(now);
      if (ms > 0) return { kind: 'wait', ms };
      state = { kind: 'half-open', since: now };
      return { kind: 'go', trial: true };
    },
    waitMs,
    succeeded() {
      state = { kind: 'closed', failures: 0 };
    },
    failed(now, openMs) {
      if (state.kind === 'half-open') open(now, openMs);
      else if (state.kind === 'closed') {
        if (state.failures + 1 >= limit) open(now, openMs);
        else state = { kind: 'closed', failures: state.failures + 1 };
      }
    },
    heard() {
      if (state.kind !== 'closed') state = { kind: 'closed', failures: limit - 1 };
    },
    release(now) {
      if (state.kind === 'half-open') state = { kind: 'open', until: now };
    },
    state: () => state.kind,
  };
}
