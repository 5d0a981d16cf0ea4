// How much of a provider's limits is left, as its answers tell, and whether it lasts until they reset: what is left goes to those who matter most.

import type { Signals } from '../../platform/signals.ts';
import type { ProviderHeaders } from '../../platform/wire/provider-errors.ts';
import { readDuration } from '../../platform/wire/retry-after.ts';

/** `warning`: four fifths are used. `rationed`: a tenth is left, or it will not last; calls that can wait do. */
export type QuotaStage = 'usual' | 'warning' | 'rationed';

export interface Foresight {
  /** What the headers of an answer say. */
  learn(headers: ProviderHeaders): void;
  stage(): QuotaStage;
  /** Milliseconds until a caller of this rank may be served; 0: now. */
  wait(rank: number): number;
  /** Milliseconds until the limit that is used most is renewed. */
  renewsInMs(): number | undefined;
  /** Of the limit that is used most. */
  state(): { used: number; exhaustedInMs?: number } | undefined;
}

interface Known {
  limit: number;
  remaining: number;
  resetAt: number;
  /** When it was last told. */
  at: number;
  /** Of the limit, in a millisecond; falls when less is asked. */
  pace: number;
}

const warnAt = 0.8;
const rationAt = 0.9;
/** What is left then is for administrators. */
const lastAt = 0.98;
/** A share of few requests is none. */
const leastLimit = 50;
/** Where nobody says when a limit resets, it is one of a minute. */
const minuteMs = 60_000;
const ranks = { batch: 2, user: 1 } as const;
/** A pace is told by no less than this. */
const paceMs = 250;

const names = [
  ['x-ratelimit-limit-requests', 'x-ratelimit-remaining-requests', 'x-ratelimit-reset-requests'],
  ['x-ratelimit-limit-tokens', 'x-ratelimit-remaining-tokens', 'x-ratelimit-reset-tokens'],
  ['x-ratelimit-limit-req-minute', 'x-ratelimit-remaining-req-minute', ''],
  ['x-ratelimit-limit-tokens-minute', 'x-ratelimit-remaining-tokens-minute', ''],
] as const;

/** `workspace` names whose limits these are: providers with keys of one account share them. */
export function createForesight(
  { now, signals }: { now: () => number; signals: Signals },
  workspace: string,
): Foresight {
  const known = new Map<string, Known>();
  let toldUntil = 0;

  function learnOne(name: string, limit: number, remaining: number, resetMs: number | undefined): void {
    const at = now();
    const before = known.get(name);
    const isSame = before !== undefined && before.limit === limit && at < before.resetAt;
    // Of a minute that nobody dates it is only known when it was first met.
    const resetAt =
      resetMs !== undefined ? at + resetMs : isSame && remaining <= before.remaining ? before.resetAt : at + minuteMs;
    if (!isSame || remaining > before.remaining) {
      known.set(name, { limit, remaining, resetAt, at, pace: 0 });
      return;
    }
    if (at - before.at < paceMs) {
      known.set(name, { ...before, remaining, resetAt });
      return;
    }
    const lately = (before.remaining - remaining) / (at - before.at);
    const pace = before.pace === 0 ? lately : before.pace + (lately - before.pace) / 3;
    known.set(name, { limit, remaining, resetAt, at, pace });
  }

  function worst(): { used: number; resetAt: number; limit: number; exhaustedAt: number } | undefined {
    const at = now();
    let found: ReturnType<typeof worst>;
    for (const [name, { limit, remaining, resetAt, pace, at: told }] of known) {
      if (resetAt <= at) {
        known.delete(name);
        continue;
      }
      const exhaustedAt = pace > 0 ? told + remaining / pace : Number.POSITIVE_INFINITY;
      const used = 1 - remaining / limit;
      if (found === undefined || used > found.used) found = { used, resetAt, limit, exhaustedAt };
    }
    return found;
  }

  function stage(): QuotaStage {
    const most = worst();
    if (most === undefined || most.used < warnAt) return 'usual';
    return most.used >= rationAt || most.exhaustedAt < most.resetAt ? 'rationed' : 'warning';
  }

  /** A limit that will not last is told before four fifths of it are used: those are told by the provider's health. */
  function foretell(): void {
    const most = worst();
    const at = now();
    if (most === undefined || at < toldUntil) return;
    if (most.used < 0.5 || most.used >= warnAt || most.exhaustedAt >= most.resetAt) return;
    toldUntil = most.resetAt;
    const facts = {
      provider: workspace,
      usedPercent: Math.floor(most.used * 100),
      exhaustedInSeconds: Math.max(0, Math.round((most.exhaustedAt - at) / 1_000)),
      resetsInSeconds: Math.ceil((most.resetAt - at) / 1_000),
    };
    signals.emit({ kind: 'quota-warning', time: at, severity: 'medium', facts });
  }

  return {
    learn(headers) {
      for (const [limitName, leftName, resetName] of names) {
        const limit = Number(headers[limitName] ?? Number.NaN);
        const left = Number(headers[leftName] ?? Number.NaN);
        if (!(limit > 0 && left >= 0 && left <= limit)) continue;
        const reset = resetName === '' ? undefined : headers[resetName];
        learnOne(limitName, limit, left, typeof reset === 'string' ? readDuration(reset) : undefined);
      }
      if (known.size > 0) foretell();
    },
    stage,
    wait(rank) {
      if (known.size === 0) return 0;
      const most = worst();
      if (most === undefined || most.used < warnAt) return 0;
      const isHeld =
        (rank >= ranks.batch && stage() === 'rationed') ||
        (rank >= ranks.user && most.used >= lastAt && most.limit >= leastLimit);
      return isHeld ? Math.max(1, most.resetAt - now()) : 0;
    },
    renewsInMs() {
      const most = worst();
      return most === undefined ? undefined : Math.max(0, most.resetAt - now());
    },
    state() {
      const most = worst();
      if (most === undefined) return undefined;
      const { used, exhaustedAt } = most;
      return { used, ...(Number.isFinite(exhaustedAt) ? { exhaustedInMs: Math.max(0, exhaustedAt - now()) } : {}) };
    },
  };
}

/** One for each workspace; they outlive the gateways that ask them. */
export interface Foresights {
  of(workspace: string): Foresight;
  all(): Iterable<[workspace: string, foresight: Foresight]>;
}

export function createForesights(parts: { now: () => number; signals: Signals }): Foresights {
  const known = new Map<string, Foresight>();
  return {
    of(workspace) {
      const met = known.get(workspace) ?? createForesight(parts, workspace);
      known.set(workspace, met);
      return met;
    },
    all: () => known,
  };
}
