// Who guesses: each failure of one network makes the next reply slower, and too many shut it out for a time. What is counted holds for all threads.
import { hash } from 'node:crypto';
import type { Counters } from '../../platform/shared/counters.ts';
import { sourceNetwork } from './source-network.ts';

export interface GuessSettings {
  /** Wrong credentials of one prefix from one network before both together are locked. */
  failures: number;
  /** Wrong credentials of any prefix from one network before it is locked for what has not opened from there. */
  sourceFailures: number;
  windowSeconds: number;
  lockSeconds: number;
  /** The first failures are answered at once, the next ones after this, doubled each time. */
  delayMs: number;
  maxDelayMs: number;
  /** Replies held back at once; beyond, they go out at once: an attacker must not fill the memory with waiting. */
  maxDelayed: number;
}

export const defaultGuesses: GuessSettings = {
  failures: 10,
  sourceFailures: 60,
  windowSeconds: 600,
  lockSeconds: 900,
  delayMs: 50,
  maxDelayMs: 2_000,
  maxDelayed: 256,
};

export interface Lockout {
  scope: 'credential' | 'source';
  sourceIp: string;
  failures: number;
  seconds: number;
}

export interface Attempt {
  /** Seconds until it will be looked at; 0: it may be looked at now. */
  locked: number;
  /** The credential opened: it goes on doing so from this network whatever others there guess. */
  right(): void;
  /** Resolves when the refusal may be sent. `guess`: it never was a credential of ours. */
  wrong(guess: boolean): Promise<void> | undefined;
}

export interface Guesses {
  attempt(secret: string, sourceIp: string): Attempt;
}

export interface GuessesParts {
  now: () => number;
  /** Those of what strangers can make up. */
  counters: Pick<Counters, 'take' | 'used'>;
  onLock?: (lockout: Lockout) => void;
}

/** How often a network's good credential is noted anew. */
const noteEveryMs = 3_600_000;
const rightForMs = 24 * 3_600_000;
const maxNoted = 10_000;
const free = 3;

/**
 * A lock is of a prefix from a network: nobody is locked out from elsewhere, and on one network nobody by guesses at
 * other prefixes. A right credential of a locked prefix is refused too, or the lock would be no obstacle to guessing.
 * A network that tries prefix after prefix is locked for everything but the credentials that opened from it before.
 */
export function createGuesses(parts: GuessesParts, settings: GuessSettings = defaultGuesses): Guesses {
  const { now, counters, onLock = () => {} } = parts;
  const { failures, sourceFailures, windowSeconds, lockSeconds, delayMs, maxDelayMs, maxDelayed } = settings;
  const window = { windowMs: windowSeconds * 1_000 };
  const lock = { windowMs: lockSeconds * 1_000 };
  const rightFor = { windowMs: rightForMs };
  const noted = new Map<string, number>();
  let delayed = 0;

  /** Milliseconds left of a lock; 0 when there is none. */
  function left(key: string): number {
    const at = now();
    if (counters.used(`lock ${key}`, lock, at) === 0) return 0;
    const { ok, full, resetAt } = counters.take(`lock ${key}`, lock, 0, 0, at);
    return ok || full === true ? 0 : Math.max(1, resetAt - at);
  }

  /** How many there were. A table that is full, which many sources can make it, makes each wait as long as can be. */
  function count(key: string, limit: number, scope: Lockout['scope'], sourceIp: string): number {
    const at = now();
    const { used, full } = counters.take(`failed ${key}`, window, Infinity, 1, at);
    if (full === true) return limit - 1;
    // Counted in steps of the limit, so that who goes on when the lock has ended is locked again.
    if (used % limit === 0 && counters.take(`lock ${key}`, lock, 1, 1, at).ok)
      onLock({ scope, sourceIp, failures: used, seconds: lockSeconds });
    return used;
  }

  function pause(ms: number): Promise<void> | undefined {
    if (ms <= 0 || delayed >= maxDelayed) return undefined;
    delayed++;
    return new Promise((resolve) => {
      setTimeout(() => {
        delayed--;
        resolve();
      }, ms);
    });
  }

  return {
    attempt(secret, sourceIp) {
      const network = sourceNetwork(sourceIp);
      const pair = `${network} ${prefixOf(secret)}`;
      // Not on every request: a hash costs as much as the whole look for locks.
      const seen = () => `right ${network} ${hash('sha256', secret, 'base64url')}`;
      const pairLeft = left(pair);
      const sourceLeft = pairLeft > 0 ? 0 : left(network);
      const known = sourceLeft > 0 && counters.used(seen(), rightFor, now()) > 0;
      return {
        locked: Math.ceil(Math.max(pairLeft, known ? 0 : sourceLeft) / 1_000),
        right() {
          // A key's id is its own; of other credentials several may begin alike.
          const mark = isOurs(secret) ? pair : seen();
          const at = noted.get(mark);
          if (at !== undefined && now() - at < noteEveryMs) return;
          if (noted.size >= maxNoted) noted.clear();
          noted.set(mark, now());
          counters.take(seen(), rightFor, Infinity, 1, now());
        },
        wrong(guess) {
          const used = Math.max(
            count(pair, failures, 'credential', sourceIp),
            // Who comes with a key that has ended guesses at nothing.
            guess ? count(network, sourceFailures, 'source', sourceIp) : 0,
          );
          return pause(used <= free ? 0 : Math.min(maxDelayMs, delayMs * 2 ** Math.min(20, used - free - 1)));
        },
      };
    },
  };
}

/**
 * What stands for one credential among the guesses at it: the public id of a key of ours, else its first letters; of a
 * token all of it, since its first letters are those of every other.
 */
function prefixOf(secret: string): string {
  if (isOurs(secret)) return secret.slice(0, 14);
  if (secret.startsWith('eyJ')) return hash('sha256', secret, 'base64url').slice(0, 16);
  return hash('sha256', secret.slice(0, 6), 'base64url').slice(0, 16);
}

function isOurs(secret: string): boolean {
  return /^rmp_[a-z0-9]{10}_/.test(secret);
}
