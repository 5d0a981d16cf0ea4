// Whether an account has anything left: once it has not, one request after another finds out, each after twice the pause before.

export interface Quota {
  /** Milliseconds until a request may be sent; takes nobody's place. */
  waitMs(now: number): number;
  /** The request that `waitMs` lets through is sent. */
  admit(now: number): void;
  /** Milliseconds until it is asked again, or longer where the provider itself said so. */
  untilMs(now: number): number;
  /** It is used up, said an answer at `now`; the provider itself asked to wait `askedMs`. */
  spent(now: number, askedMs?: number): void;
  /** What was sent at `startedAt` begins to be answered: the others may follow, and one refusal shuts it again. */
  heard(startedAt: number): void;
  succeeded(startedAt: number): void;
  /** A trial that ended without a verdict gives its place back. */
  release(now: number): void;
  /** New settings, or an operator's word: asked with the next request, and the pauses begin anew. */
  renew(): void;
  state(): 'closed' | 'open' | 'half-open';
}

/** It is asked at least this often. */
const longestPauseMs = 900_000;
/** How long a trial may hold the only place before another is let through. */
const trialMs = 30_000;

export function createQuota(firstPauseMs: number): Quota {
  let state: { kind: 'closed' } | { kind: 'open'; until: number } | { kind: 'half-open'; since: number } = {
    kind: 'closed',
  };
  let nextPauseMs = firstPauseMs;
  let spentAt = Number.NEGATIVE_INFINITY;
  let askedUntil = 0;

  function waitMs(now: number): number {
    if (state.kind === 'closed') return 0;
    if (state.kind === 'open') return Math.max(0, state.until - now);
    return now < state.since + trialMs ? nextPauseMs : 0;
  }

  return {
    waitMs,
    admit(now) {
      if (state.kind !== 'closed') state = { kind: 'half-open', since: now };
    },
    untilMs: (now) => Math.max(waitMs(now), askedUntil - now),
    spent(now, askedMs = 0) {
      if (askedMs > 0) askedUntil = now + askedMs;
      // It crossed the answer that told of it, and is no trial.
      if (state.kind === 'open' && now < state.until) return;
      spentAt = now;
      state = { kind: 'open', until: now + nextPauseMs };
      nextPauseMs = Math.min(nextPauseMs * 2, Math.max(firstPauseMs, longestPauseMs));
    },
    heard(startedAt) {
      if (state.kind === 'half-open' && startedAt >= spentAt) state = { kind: 'closed' };
    },
    succeeded(startedAt) {
      // An answer to what was sent before proves nothing.
      if (startedAt < spentAt) return;
      state = { kind: 'closed' };
      nextPauseMs = firstPauseMs;
      askedUntil = 0;
    },
    release(now) {
      if (state.kind === 'half-open') state = { kind: 'open', until: now };
    },
    renew() {
      if (state.kind === 'open') state = { kind: 'open', until: 0 };
      nextPauseMs = firstPauseMs;
      askedUntil = 0;
    },
    state: () => state.kind,
  };
}
