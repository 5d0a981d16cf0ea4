// Slows down who guesses: a few attempts per source, then waits that double; counted before the check, so that many at once are no way around it.
import { RempartError } from '../platform/base/errors.ts';
import { sourceNetwork } from '../protect/gateway/source-network.ts';

/** What is guessed: each is counted by itself, so that a good key says nothing about a password. */
export type Guessed = 'password' | 'key';

export interface LoginAttempt {
  /** It was right, which a guesser of passwords cannot say: all is forgiven. */
  succeeded(): void;
  /** It was not looked at, so it does not count. */
  notTried(): void;
}

export interface LoginLimit {
  /** Counts an attempt as failed until it is told otherwise. Throws ERR_RATE_LIMITED when this source must wait. */
  attempt(what: Guessed, address: string): LoginAttempt;
}

const freeAttempts = 5;
const firstWaitMs = 60_000;
const longestWaitMs = 3_600_000;
/** After so long without a failure a source begins anew. */
const forgetAfterMs = 2 * longestWaitMs;
const maxSources = 10_000;

interface Source {
  failures: number;
  lastAt: number;
}

export function createLoginLimit(now: () => number): LoginLimit {
  // By source: who guesses at one address does not keep the administrator out at another.
  const sources = new Map<string, Source>();

  function of(key: string): Source {
    const known = sources.get(key);
    const source = known === undefined || now() - known.lastAt > forgetAfterMs ? { failures: 0, lastAt: now() } : known;
    sources.delete(key);
    sources.set(key, source);
    const [oldest] = sources.keys();
    if (sources.size > maxSources && oldest !== undefined) sources.delete(oldest);
    return source;
  }

  return {
    attempt(what, address) {
      const key = `${what} ${sourceNetwork(address)}`;
      const source = of(key);
      const waitMs = source.lastAt + waitAfter(source.failures) - now();
      if (waitMs > 0) throw new RempartError('ERR_RATE_LIMITED', { seconds: Math.ceil(waitMs / 1000) });
      const before = source.lastAt;
      source.failures++;
      source.lastAt = now();
      return {
        succeeded() {
          // A holder of one key could otherwise go on guessing others for ever.
          if (what === 'password') sources.delete(key);
          else source.failures--;
        },
        notTried() {
          source.failures--;
          source.lastAt = before;
        },
      };
    },
  };
}

/** None for the first ones, then one minute, two, four … up to an hour. */
function waitAfter(failures: number): number {
  if (failures < freeAttempts) return 0;
  return Math.min(longestWaitMs, firstWaitMs * 2 ** (failures - freeAttempts));
}
