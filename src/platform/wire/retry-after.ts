// How long a provider asks us to wait, from any of the headers that say so.
import type { ProviderHeaders } from './provider-errors.ts';

/** Milliseconds from now; undefined when no header says anything that can be read. */
export function retryAfterMs(headers: ProviderHeaders, now: number): number | undefined {
  const milliseconds = number(first(headers, 'retry-after-ms') ?? first(headers, 'x-ms-retry-after-ms'));
  if (milliseconds !== undefined) return milliseconds;
  const after = first(headers, 'retry-after');
  if (after !== undefined) return readRetryAfter(after, now);
  return readResets(headers);
}

/** RFC 9110 §10.2.3: seconds, or an HTTP date. Decimals are not in the RFC, and providers send them. */
function readRetryAfter(value: string, now: number): number | undefined {
  const seconds = number(value);
  if (seconds !== undefined) return Math.ceil(seconds * 1_000);
  // Date.parse reads more than dates: "-5" and "later 3" must not become a wait.
  if (!/^[A-Za-z]{3,9},? /.test(value)) return undefined;
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}

/** OpenAI's own: the reset of the limit that has nothing left, like `1s`, `6m0s` or `20ms`. */
function readResets(headers: ProviderHeaders): number | undefined {
  let longest: number | undefined;
  for (const what of ['requests', 'tokens']) {
    if (first(headers, `x-ratelimit-remaining-${what}`) !== '0') continue;
    const wait = readDuration(first(headers, `x-ratelimit-reset-${what}`) ?? '');
    if (wait !== undefined) longest = Math.max(longest ?? 0, wait);
  }
  return longest;
}

const units: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1 };

/** `20ms`, `12s`, `6m0s`, `1h2m3s`; undefined for anything else. */
export function readDuration(text: string): number | undefined {
  if (!/^(\d+(\.\d+)?(ms|d|h|m|s))+$/.test(text)) return undefined;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|d|h|m|s)/g)) total += Number(amount) * units[unit!]!;
  return Math.ceil(total);
}

/** The inverse of reading a reset: `0s`, `20s`, `6m0s`. */
export function formatDuration(ms: number): string {
  const seconds = Math.ceil(ms / 1_000);
  const hours = Math.floor(seconds / 3_600);
  const minutes = Math.floor((seconds % 3_600) / 60);
  return `${hours > 0 ? `${hours}h` : ''}${hours > 0 || minutes > 0 ? `${minutes}m` : ''}${seconds % 60}s`;
}

function first(headers: ProviderHeaders, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value.trim() : value?.[0]?.trim();
}

function number(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+(\.\d+)?$/.test(text) ? Number(text) : undefined;
}
