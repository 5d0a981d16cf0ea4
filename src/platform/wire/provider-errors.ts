// What a provider's error answer means: read from its status, headers and body. How they look is in provider-error-bodies.ts.
import type { Dialect } from './dialect.ts';
import { retryAfterMs } from './retry-after.ts';

export type ProviderErrorKind =
  /** 401: the key is unknown or revoked; a spare may do. */
  | 'key-refused'
  /** 403: the key is known and may not do this. */
  | 'forbidden'
  /** No such model or path. */
  | 'not-found'
  /** The request itself is wrong: sent again it fails again. */
  | 'invalid-request'
  /** Too many for now; heals by waiting. Limits belong to the account, so another key of it does not help. */
  | 'rate-limited'
  /** Used up until somebody pays or the period ends: no retry helps. */
  | 'quota-exhausted'
  /** The provider has no capacity at the moment. */
  | 'overloaded'
  | 'server-error';

export interface ProviderError {
  kind: ProviderErrorKind;
  /** The same request may succeed a little later. */
  heals: boolean;
  /** What the provider asked us to wait. */
  retryAfterMs?: number;
  /** Of a wrong request: too much for this model, or more than it can; another may do. */
  isOfModel?: true;
}

/** Header names in lower case, as node:http and undici give them. */
export type ProviderHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

const healing: ReadonlySet<ProviderErrorKind> = new Set(['rate-limited', 'overloaded', 'server-error']);

/** What an answer with a status ≥ 400 means. Its words are for the log at most; a user never sees them. */
export function describeProviderError(
  dialect: Dialect,
  status: number,
  headers: ProviderHeaders,
  body: string,
  now: () => number = Date.now,
): ProviderError {
  const words = readErrorWords(body);
  const kind = kindOf(dialect, status, words);
  const wait = retryAfterMs(headers, now());
  // OpenAI, and gateways after it, may say that a second try is of no use.
  const heals = healing.has(kind) && headers['x-should-retry'] !== 'false';
  return {
    kind,
    heals,
    ...(wait === undefined ? {} : { retryAfterMs: wait }),
    ...(kind === 'invalid-request' && isOfModel(words) ? { isOfModel: true } : {}),
  };
}

/** OpenAI has a code for it; Mistral, Ollama and other servers of OpenAI's form say it in words. */
function isOfModel({ message, code }: ErrorWords): boolean {
  return (
    code === 'context_length_exceeded' ||
    /does not support|maximum context length|(?:available|model's) context|too large for model/i.test(message)
  );
}

/** What the four shapes of error bodies say, each in its own place. */
export interface ErrorWords {
  message: string;
  type: string;
  code: string;
}

function kindOf(dialect: Dialect, status: number, words: ErrorWords): ProviderErrorKind {
  switch (status) {
    case 401:
      return 'key-refused';
    case 402:
      return 'quota-exhausted';
    case 403:
      return 'forbidden';
    case 404:
    case 410:
      return 'not-found';
    case 429:
      return kindOfTooMany(words);
    case 408:
    case 409:
    case 425:
    case 499:
      // Official clients send these again: a lock or a timeout, not a fault of the request.
      return 'server-error';
    case 503:
    case 529:
      return 'overloaded';
    default:
      if (status >= 500) return 'server-error';
      // Mistral refuses an unknown model with 400 "Invalid model: x", code 1500.
      if (dialect === 'mistral' && (words.type === 'invalid_model' || words.code === '1500')) return 'not-found';
      return 'invalid-request';
  }
}

/** OpenAI says both with 429 (insufficient_quota), Ollama's cloud says "weekly usage limit", Mistral a capacity of its own. */
function kindOfTooMany({ message, type, code }: ErrorWords): ProviderErrorKind {
  if (/insufficient_quota|billing/.test(`${type} ${code}`)) return 'quota-exhausted';
  if (/exceeded your current quota|usage limit|(monthly|daily|plan) quota|check your plan|billing/i.test(message))
    return 'quota-exhausted';
  if (/capacity exceeded|overloaded/i.test(message) || code === '3505') return 'overloaded';
  return 'rate-limited';
}

/** The message, type and code of an error body; empty strings for what it does not have, and for what is no JSON. */
export function readErrorWords(body: string): ErrorWords {
  const root = parseObject(body);
  const nested = root['error'];
  const from = typeof nested === 'object' && nested !== null ? (nested as Record<string, unknown>) : root;
  const message = from['message'] ?? root['detail'] ?? nested;
  return { message: asText(message ?? (root === empty ? body.slice(0, 2_000) : '')), ...typeAndCode(from) };
}

function typeAndCode(from: Readonly<Record<string, unknown>>): { type: string; code: string } {
  return { type: asText(from['type']), code: asText(from['code']) };
}

const empty: Readonly<Record<string, unknown>> = Object.freeze({});

function parseObject(body: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : empty;
  } catch {
    return empty;
  }
}

function asText(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
