// A quota that runs out under the target's eyes: each answer's headers tell what is left, then 429 until the window turns.
import type { Dialect } from '../../../platform/wire/dialect.ts';
import { providerErrorBody } from '../../../platform/wire/provider-error-bodies.ts';
import { formatDuration } from '../../../platform/wire/retry-after.ts';
import type { CallAction, CallDecider, CallFault } from '../fault.ts';

/** Of this many requests per window; what the headers of the first calls tell is left, down to the mark at 80 % used. */
const limit = 100;
const leftAtFirst = [60, 40, 20] as const;
const leftAfterMark = 10;

type Progressive = Extract<CallFault, { type: 'progressive' }>;

export function progressiveFault(
  { warnMs, refuseMs }: Progressive,
  now: () => number = () => performance.now(),
): CallDecider {
  let calls = 0;
  let markedAt = Number.POSITIVE_INFINITY;
  let refusedAt = Number.POSITIVE_INFINITY;
  return (call, dialect) => {
    if (!call.isChat) return { act: 'relay' };
    const windowEnds = Number.isFinite(refusedAt) ? refusedAt + refuseMs : now() + warnMs + refuseMs;
    const resetMs = Math.max(0, windowEnds - now());
    if (Number.isFinite(refusedAt) && resetMs === 0) return told(dialect, limit - 1, warnMs + refuseMs);
    if (now() - markedAt >= warnMs) {
      if (!Number.isFinite(refusedAt)) refusedAt = now();
      return refused(dialect, Math.max(0, refusedAt + refuseMs - now()));
    }
    const left = leftAtFirst[calls++] ?? leftAfterMark;
    if (calls === leftAtFirst.length) markedAt = now();
    return told(dialect, left, resetMs);
  };
}

function told(dialect: Dialect, left: number, resetMs: number): CallAction {
  return { act: 'relay', headers: limitHeaders(dialect, left, resetMs), quotaUsed: (limit - left) / limit };
}

function refused(dialect: Dialect, resetMs: number): CallAction {
  const retryAfterSeconds = Math.max(1, Math.ceil(resetMs / 1000));
  const { status, headers, body } = providerErrorBody(dialect, 'rate-limited', { retryAfterSeconds });
  return { act: 'answer', status, headers: { ...headers, ...limitHeaders(dialect, 0, resetMs) }, body };
}

/** The names that each provider uses; Ollama has none. */
function limitHeaders(dialect: Dialect, left: number, resetMs: number): Record<string, string> {
  switch (dialect) {
    case 'openai':
      return {
        'x-ratelimit-limit-requests': String(limit),
        'x-ratelimit-remaining-requests': String(left),
        'x-ratelimit-reset-requests': formatDuration(resetMs),
      };
    case 'mistral':
      return { 'x-ratelimit-limit-req-minute': String(limit), 'x-ratelimit-remaining-req-minute': String(left) };
    case 'ollama':
      return {};
  }
}
