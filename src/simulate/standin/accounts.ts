// Keys, revocation and limits. Limits belong to a workspace: all its keys draw on them, as at the real providers.

export interface Limits {
  /** Requests in a minute; more is throttling, which heals. */
  perMinute?: number;
  /** Requests in a day; more is an exhausted quota, which no retry heals. */
  perDay?: number;
  tokensPerMinute?: number;
}

export interface StandinKey {
  key: string;
  /** Keys of one workspace share its limits; default: a workspace of its own. */
  workspace?: string;
  /** Refused from the start, with 401 unless it says 403. */
  revoked?: boolean | 401 | 403;
  limits?: Limits;
}

export type Entry = { kind: 'open'; key: string } | { kind: 'refused'; status: 401 | 403; key: string | undefined };

export interface LimitState {
  limit: number;
  remaining: number;
  resetMs: number;
}

export type Charge =
  | { kind: 'paid'; requests?: LimitState; tokens?: LimitState }
  | { kind: 'throttled'; what: 'requests' | 'tokens'; retryAfterMs: number; requests?: LimitState; tokens?: LimitState }
  | { kind: 'exhausted' };

export interface Accounts {
  /** Whether a key may come in; `undefined` is a request without one. */
  enter(key: string | undefined): Entry;
  /** Draws one request and its tokens; draws nothing when it refuses. */
  charge(key: string, tokens: number): Charge;
  revoke(key: string, status?: 401 | 403): void;
  restore(key: string): void;
  setLimits(key: string, limits: Limits): void;
}

interface Window {
  openedAt: number;
  used: number;
}

interface Workspace {
  limits: Limits;
  requests: Window;
  tokens: Window;
  day: Window;
}

const minute = 60_000;
const day = 86_400_000;

/** No list of keys, or an empty one: any key comes in, and also none. */
export function createAccounts(keys: readonly StandinKey[] | undefined, now: () => number): Accounts {
  const workspaceOf = new Map<string, string>();
  const workspaces = new Map<string, Workspace>();
  const refusals = new Map<string, 401 | 403>();
  for (const { key, workspace, revoked, limits } of keys ?? []) {
    workspaceOf.set(key, workspace ?? key);
    if (revoked) refusals.set(key, revoked === true ? 401 : revoked);
    if (limits) find(key).limits = limits;
  }

  const listed = workspaceOf.size > 0;

  function find(key: string): Workspace {
    const name = workspaceOf.get(key) ?? key;
    let found = workspaces.get(name);
    if (found === undefined) {
      const opened = () => ({ openedAt: now(), used: 0 });
      found = { limits: {}, requests: opened(), tokens: opened(), day: opened() };
      workspaces.set(name, found);
    }
    return found;
  }

  return {
    enter(key) {
      if (listed && (key === undefined || !workspaceOf.has(key))) return { kind: 'refused', status: 401, key };
      const status = key === undefined ? undefined : refusals.get(key);
      return status === undefined ? { kind: 'open', key: key ?? '' } : { kind: 'refused', status, key };
    },
    charge: (key, tokens) => charge(find(key), tokens, now()),
    revoke: (key, status = 401) => void refusals.set(key, status),
    restore: (key) => void refusals.delete(key),
    setLimits(key, limits) {
      find(key).limits = limits;
    },
  };
}

function charge({ limits, requests, tokens, day: today }: Workspace, cost: number, at: number): Charge {
  renew(requests, minute, at);
  renew(tokens, minute, at);
  renew(today, day, at);
  if (limits.perDay !== undefined && today.used >= limits.perDay) return { kind: 'exhausted' };
  const states = () => ({
    ...(limits.perMinute === undefined ? {} : { requests: stateOf(requests, limits.perMinute, at) }),
    ...(limits.tokensPerMinute === undefined ? {} : { tokens: stateOf(tokens, limits.tokensPerMinute, at) }),
  });
  const throttled = (what: 'requests' | 'tokens', window: Window): Charge => ({
    kind: 'throttled',
    what,
    retryAfterMs: window.openedAt + minute - at,
    ...states(),
  });
  if (limits.perMinute !== undefined && requests.used >= limits.perMinute) return throttled('requests', requests);
  if (limits.tokensPerMinute !== undefined && tokens.used + cost > limits.tokensPerMinute)
    return throttled('tokens', tokens);
  requests.used++;
  today.used++;
  tokens.used += cost;
  return { kind: 'paid', ...states() };
}

/** A window opens with its first use after the last one closed. */
function renew(window: Window, length: number, at: number): void {
  if (at < window.openedAt + length && window.used > 0) return;
  window.openedAt = at;
  window.used = 0;
}

function stateOf(window: Window, limit: number, at: number): LimitState {
  return { limit, remaining: Math.max(0, limit - window.used), resetMs: Math.max(0, window.openedAt + minute - at) };
}
