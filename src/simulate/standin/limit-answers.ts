// What each provider says about limits: headers on success, and the refusal when one is reached.
import type { Dialect } from '../../platform/wire/dialect.ts';
import { type ProviderAnswer, plainRateLimit, providerErrorBody } from '../../platform/wire/provider-error-bodies.ts';
import { formatDuration } from '../../platform/wire/retry-after.ts';
import type { Charge, LimitState } from './accounts.ts';

/** Rate-limit headers, for the limits that are set; Ollama has none. */
export function limitHeaders(dialect: Dialect, charge: Charge, cost: number): Record<string, string> {
  if (charge.kind === 'exhausted' || dialect === 'ollama') return {};
  return dialect === 'mistral' ? mistralHeaders(charge, cost) : openaiHeaders(charge);
}

interface States {
  requests?: LimitState;
  tokens?: LimitState;
}

function openaiHeaders({ requests, tokens }: States): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [what, state] of [
    ['requests', requests],
    ['tokens', tokens],
  ] as const) {
    if (state === undefined) continue;
    headers[`x-ratelimit-limit-${what}`] = String(state.limit);
    headers[`x-ratelimit-remaining-${what}`] = String(state.remaining);
    headers[`x-ratelimit-reset-${what}`] = formatDuration(state.resetMs);
  }
  return headers;
}

function mistralHeaders({ requests, tokens }: States, cost: number): Record<string, string> {
  const headers: Record<string, string> = { 'x-ratelimit-tokens-query-cost': String(cost) };
  for (const [what, state] of [
    ['req', requests],
    ['tokens', tokens],
  ] as const) {
    if (state === undefined) continue;
    headers[`x-ratelimit-limit-${what}-minute`] = String(state.limit);
    headers[`x-ratelimit-remaining-${what}-minute`] = String(state.remaining);
  }
  return headers;
}

/** The 429, or Mistral's 402; undefined when the request was paid. `plain` is the 429 that no provider in particular sends. */
export function limitRefusal(
  dialect: Dialect,
  charge: Charge,
  model: string,
  cost: number,
  style: 'provider' | 'plain',
): ProviderAnswer | undefined {
  if (charge.kind === 'paid') return undefined;
  if (charge.kind === 'exhausted') return providerErrorBody(dialect, 'quota-exhausted', { model });
  if (style === 'plain') return plainRateLimit();
  const retryAfterSeconds = Math.max(1, Math.ceil(charge.retryAfterMs / 1_000));
  const answer = providerErrorBody(dialect, 'rate-limited', {
    model,
    retryAfterSeconds,
    type: dialect === 'openai' ? charge.what : undefined,
  });
  return { ...answer, headers: { ...answer.headers, ...limitHeaders(dialect, charge, cost) } };
}
