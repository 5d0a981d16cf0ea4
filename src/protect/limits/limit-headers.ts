// What a caller is told of its limits beside each answer, in the headers that OpenAI's clients know.
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
    [`x-ratelimit-reset-${unit}`, wait(resetMs)],
  ];
}

/** As OpenAI writes it: 12s, 6m0s, 1h0m3s. */
function wait(ms: number): string {
  const seconds = Math.max(1, Math.ceil(ms / 1_000));
  const minutes = Math.floor(seconds / 60);
  if (minutes === 0) return `${seconds}s`;
  return minutes < 60 ? `${minutes}m${seconds % 60}s` : `${Math.floor(minutes / 60)}h${minutes % 60}m${seconds % 60}s`;
}
