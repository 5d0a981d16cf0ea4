// Slows down who guesses: a few failed attempts per address and minute, then a wait.
import { RempartError } from '../platform/base/errors.ts';

export interface LoginLimit {
  /** Throws ERR_RATE_LIMITED when this address must wait. */
  check(address: string): void;
  failed(address: string): void;
  succeeded(address: string): void;
}

const windowMs = 60_000;
const maxFailures = 5;
const maxAddresses = 10_000;

export function createLoginLimit(now: () => number): LoginLimit {
  const failures = new Map<string, number[]>();
  const recent = (address: string) => (failures.get(address) ?? []).filter((at) => at > now() - windowMs);
  return {
    check(address) {
      const past = recent(address);
      const [oldest = 0] = past;
      if (past.length >= maxFailures)
        throw new RempartError('ERR_RATE_LIMITED', { seconds: Math.ceil((oldest + windowMs - now()) / 1000) });
    },
    failed(address) {
      failures.set(address, [...recent(address), now()]);
      const [first] = failures.keys();
      if (failures.size > maxAddresses && first !== undefined) failures.delete(first);
    },
    succeeded: (address) => {
      failures.delete(address);
    },
  };
}
