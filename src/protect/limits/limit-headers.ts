// What a caller is told of its limits beside each answer, in the headers that OpenAI's clients know.
import { formatDuration } from '../../platform/wire/retry-after.ts';
import type { Standing } from './limiter.ts';

export interface Standings {
  requests?: Standing;
  tokens?: Standing;
}

/** `x-ratelimit-limit-requests`, `-remaining-requests`, `-reset-requests`, and the same of tokens, where such a limit holds. */
export function limitHeaders({ requests, tokens }: Standings): [name: string, value: string][] {
  return [...headersOf('requests', requests), ...headersOf('tokens', tokens)];
}

function headersOf(unit: string, standing: Standing | undefined): [string, string][] {
  if (standing === undefined) return [];
  const { limit, remaining, resetMs } = standing;
  return [
    [`x-ratelimit-limit-${unit}`, String(limit)],
    [`x-ratelimit-remaining-${unit}`, String(remaining)],
    // As OpenAI writes it: 12s, 6m0s.
    [`x-ratelimit-reset-${unit}`, formatDuration(Math.max(1, resetMs))],
  ];
}
