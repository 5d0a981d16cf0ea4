// Whether the database is there: the state, who is told of it, and the gate that every query passes.
import { RempartError } from '../base/errors.ts';
import type { AwayCause, Backend, Gate } from './backend.ts';

export type StoreHealth = { state: 'open'; since: number } | { state: 'away'; since: number; cause: AwayCause };

export interface Presence {
  health(): StoreHealth;
  onChange(listener: (health: StoreHealth) => void): () => void;
  opened(): void;
  /** True when the database was there until now; every query under way then ends with ERR_STORE_AWAY. */
  lost(cause: AwayCause): boolean;
  /** `onLost` is called when a query's own failure shows that the database is away. */
  gate(classify: Backend['classify'], onLost: (cause: AwayCause) => void): Gate;
}

/** What an error asks a caller to wait before a second try: about the time that a short absence lasts. */
const retryAfterSeconds = 2;

export function createPresence(now: () => number): Presence {
  let health: StoreHealth = { state: 'away', since: now(), cause: 'starting' };
  // Counts the openings: what began before an absence is not of the present.
  let visit = 0;
  const listeners = new Set<(health: StoreHealth) => void>();
  const waiting = new Set<(error: RempartError) => void>();
  const change = (next: StoreHealth): void => {
    health = next;
    for (const listener of listeners) listener(next);
  };
  const awayError = (reason?: unknown): RempartError => {
    const cause = health.state === 'away' ? health.cause : 'starting';
    return new RempartError('ERR_STORE_AWAY', { seconds: retryAfterSeconds, cause }, reason);
  };

  return {
    health: () => health,
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    opened() {
      visit += 1;
      change({ state: 'open', since: now() });
    },
    lost(cause) {
      // Closing is no news to whoever closes; it must not sound like an absence.
      if (cause === 'closed') listeners.clear();
      if (health.state === 'away') {
        // What was first taken for one cause may turn out to be another.
        if (health.cause !== cause) change({ ...health, cause });
        return false;
      }
      change({ state: 'away', since: now(), cause });
      const error = awayError();
      for (const reject of waiting) reject(error);
      return true;
    },
    gate: (classify, onLost) => ({
      enter(began = visit) {
        if (health.state === 'away' || began !== visit) throw awayError();
        return visit;
      },
      pass: (work) =>
        new Promise((resolve, reject) => {
          const began = visit;
          waiting.add(reject);
          work
            .then(resolve, (error: unknown) => {
              const cause = classify(error);
              if (cause === null) return reject(error);
              if (began === visit) onLost(cause);
              reject(awayError(error));
            })
            .finally(() => waiting.delete(reject));
        }),
    }),
  };
}
