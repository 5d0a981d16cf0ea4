// What the user is told of a provider's failure: our own words and a time to wait, never the provider's.
import { RempartError } from '../../platform/base/errors.ts';
import type { Failure } from '../resilience/failure.ts';
import type { DegradedMode } from './ask.ts';

export interface Unavailable {
  error: RempartError;
  /** There when waiting helps. */
  retryAfterSeconds?: number;
  /** Said in `x-rempart-degraded`. */
  degraded?: readonly DegradedMode[];
  /** Whom to turn to, where that is said. */
  contact?: string;
}

/** The wait that is asked for when nobody knows how long it takes; the least where only a payment helps. */
const refusedSeconds = 60;

export function errorOfFailure({ kind, retryAfterMs, isRationed }: Failure, halfOpenMs: number): Unavailable {
  const seconds = Math.max(1, Math.ceil((retryAfterMs ?? halfOpenMs) / 1_000));
  switch (kind) {
    case 'rate-limited':
      return {
        error: new RempartError('ERR_RATE_LIMITED', { seconds }),
        retryAfterSeconds: seconds,
        ...(isRationed ? { degraded: ['rationed'] } : {}),
      };
    case 'quota-exhausted': {
      // It is looked sooner whether there is quota again, but by one request, and nobody else is called back for that.
      const wait = Math.max(refusedSeconds, seconds);
      return { error: new RempartError('ERR_QUOTA_EXHAUSTED', { seconds: wait }), retryAfterSeconds: wait };
    }
    case 'key-refused':
    case 'forbidden':
      return {
        error: new RempartError('ERR_PROVIDER_REFUSED', { seconds: refusedSeconds }),
        retryAfterSeconds: refusedSeconds,
      };
    case 'not-found':
      return { error: new RempartError('ERR_MODEL_UNKNOWN') };
    case 'invalid-request':
      return { error: new RempartError('ERR_PROVIDER_REQUEST') };
    default:
      return { error: new RempartError('ERR_PROVIDER_UNAVAILABLE', { seconds }), retryAfterSeconds: seconds };
  }
}

export function unavailable(error: RempartError): Unavailable {
  const { seconds } = error.facts;
  return { error, ...(typeof seconds === 'number' ? { retryAfterSeconds: seconds } : {}) };
}

export function journalAway(): Unavailable {
  return { error: new RempartError('ERR_JOURNAL_UNWRITABLE'), retryAfterSeconds: 5 };
}
