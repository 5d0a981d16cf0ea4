// What a caller is told of its limits beside each answer, in the headers that OpenAI's clients know.
import { formatDuration } from '../../platform/wire/retry-after.ts';
import type { Standing } from './limiter.ts';

export interface Standings {
  requests?: Standing;
  tokens?: Standing;
}

type Set = (name: string, value: string) => void;

/** `x-ratelimit-limit-requests`, `-remaining-requests`, `-reset-requests`, and the same of tokens, where such a limit holds. */
export function limitHeaders({ requests, tokens }: Standings, set: Set): void {
  if (requests !== undefined) headersOf(ofRequests, requests, set);
  if (tokens !== undefined) headersOf(ofTokens, tokens, set);
}

function headersOf(names: Names, { limit, remaining, resetMs }: Standing, set: Set): void {
  set(names.limit, String(limit));
  set(names.remaining, String(remaining));
  // As OpenAI writes it: 12s, 6m0s.
  set(names.reset, formatDuration(Math.max(1, resetMs)));
}

type Names = Readonly<Record<'limit' | 'remaining' | 'reset', string>>;
const named = (unit: string): Names => ({
  limit: `x-ratelimit-limit-${unit}`,
  remaining: `x-ratelimit-remaining-${unit}`,
  reset: `x-ratelimit-reset-${unit}`,
});
const ofRequests = named('requests');
const ofTokens = named('tokens');
