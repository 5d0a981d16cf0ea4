// What a failure means for a request that can wait: it is tried again, and when, or it will never be answered.
import type { ErrorCode } from '../../platform/base/errors.ts';
import type { Unavailable } from '../gateway/failure-error.ts';

/** Nobody can answer for now: the provider, its quota or its keys are away, or no model may be asked. */
const nobodyAnswers: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'ERR_RATE_LIMITED',
  'ERR_QUOTA_EXHAUSTED',
  'ERR_PROVIDER_UNAVAILABLE',
  'ERR_PROVIDER_REFUSED',
  'ERR_SAFE_MODE',
]);

/**
 * Whether a failure is one that passes and that is nobody's fault but the other side's: then a request may wait for its
 * answer, or be given one of ours. `refused`: it never came as far as a provider.
 */
export function isAway({ error }: Unavailable, refused: boolean): boolean {
  // Refused here, too many requests are the caller's own.
  return nobodyAnswers.has(error.code) && (!refused || error.code === 'ERR_SAFE_MODE');
}

export type Prospect =
  /** `ofModel`: the same holds for all that ask this model. */
  { kind: 'later'; code: ErrorCode; waitMs: number; ofModel: boolean } | { kind: 'never'; code: ErrorCode };

export function prospectOf({ error, retryAfterSeconds }: Unavailable): Prospect {
  const { code } = error;
  if (retryAfterSeconds === undefined) return { kind: 'never', code };
  return { kind: 'later', code, waitMs: retryAfterSeconds * 1_000, ofModel: nobodyAnswers.has(code) };
}
