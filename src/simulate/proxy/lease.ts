// A deadline after which something broken is whole again, whoever has forgotten it.
import { Refusal } from './refusal.ts';

export const longestLeaseMs = 7 * 24 * 3_600_000;

export interface Lease {
  /** Milliseconds since the epoch, for people; null: until somebody ends it. */
  until(): number | null;
  /** Begins anew; undefined keeps what is, null takes the deadline away. */
  set(ttlMs: number | null | undefined): void;
  end(): void;
}

export function createLease(expire: () => void): Lease {
  let timer: NodeJS.Timeout | undefined;
  let until: number | null = null;
  const end = () => {
    clearTimeout(timer);
    timer = undefined;
    until = null;
  };
  return {
    until: () => until,
    set(ttlMs) {
      if (ttlMs === undefined) return;
      end();
      if (ttlMs === null) return;
      until = Date.now() + ttlMs;
      timer = setTimeout(() => {
        end();
        expire();
      }, ttlMs);
      timer.unref();
    },
    end,
  };
}

/** Throws a Refusal (400) for what is no lease. */
export function checkTtl(ttlMs: number | undefined): number | undefined {
  if (ttlMs === undefined || (ttlMs >= 1 && ttlMs <= longestLeaseMs)) return ttlMs;
  throw new Refusal(400, `ttlMs must be between 1 and ${longestLeaseMs}`);
}
