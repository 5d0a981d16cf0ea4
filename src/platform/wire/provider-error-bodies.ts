// Each provider's own error answers, as seen on the wire: for the stand-in, for injected faults and for tests.
import type { Json, JsonObject } from '../base/json.ts';
import type { Dialect } from './dialect.ts';
import type { ProviderErrorKind } from './provider-errors.ts';

export interface ProviderAnswer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

export interface ErrorBodyOptions {
  /** Another status than the usual one of the kind, e.g. 422 for a Mistral request that fails validation. */
  status?: number | undefined;
  message?: string | undefined;
  model?: string | undefined;
  retryAfterSeconds?: number | undefined;
  requestId?: string | undefined;
  /** The field at fault, e.g. `messages`; nested with points. */
  param?: string | undefined;
  /** Another type or code than the usual ones of the kind. */
  type?: string | undefined;
  code?: string | null | undefined;
}

/** The answer that a provider of this dialect gives for this kind of error; `describeProviderError` reads it back. */
export function providerErrorBody(
  dialect: Dialect,
  kind: ProviderErrorKind,
  options: ErrorBodyOptions = {},
): ProviderAnswer {
  const status = options.status ?? usualStatus[dialect]?.[kind] ?? statusOf[kind];
  const body = bodies[dialect](kind, status, options);
  return { status, headers: errorHeaders(dialect, options), body: body === undefined ? '' : JSON.stringify(body) };
}

/** The kind whose answer a bare status asks for. */
export function kindOfStatus(status: number): ProviderErrorKind {
  const found = (Object.keys(statusOf) as ProviderErrorKind[]).find((kind) => statusOf[kind] === status);
  if (status === 402) return 'quota-exhausted';
  if (status === 429) return 'rate-limited';
  return found ?? (status >= 500 ? 'server-error' : 'invalid-request');
}

/** A 429 that belongs to no provider in particular and that many compatible servers send: throttling without a wait. */
export function plainRateLimit(): ProviderAnswer {
  const error = {
    message: 'Rate limit exceeded. Try again later.',
    type: 'rate_limit_error',
    code: 'rate_limit_exceeded',
  };
  return { status: 429, headers: { 'content-type': 'application/json' }, body: JSON.stringify({ error }) };
}

const statusOf: Readonly<Record<ProviderErrorKind, number>> = {
  'key-refused': 401,
  forbidden: 403,
  'not-found': 404,
  'invalid-request': 400,
  'rate-limited': 429,
  'quota-exhausted': 429,
  overloaded: 503,
  'server-error': 500,
};

/** Mistral's glossary has 402 for an account that cannot pay. */
const usualStatus: Partial<Record<Dialect, Partial<Record<ProviderErrorKind, number>>>> = {
  mistral: { 'quota-exhausted': 402 },
};

function errorHeaders(dialect: Dialect, { retryAfterSeconds, requestId }: ErrorBodyOptions): Record<string, string> {
  const headers: Record<string, string> = {
    'content-type': dialect === 'ollama' ? 'application/json; charset=utf-8' : 'application/json',
  };
  if (retryAfterSeconds !== undefined) headers['retry-after'] = String(retryAfterSeconds);
  if (requestId !== undefined) headers[dialect === 'mistral' ? 'mistral-correlation-id' : 'x-request-id'] = requestId;
  return headers;
}

type BodyOf = (kind: ProviderErrorKind, status: number, options: ErrorBodyOptions) => JsonObject | undefined;

const bodies: Readonly<Record<Dialect, BodyOf>> = { openai: openaiBody, mistral: mistralBody, ollama: ollamaBody };

type Row = readonly [message: string, type: string, code: string | null];

function openaiBody(kind: ProviderErrorKind, _status: number, options: ErrorBodyOptions): JsonObject {
  const [message, type, code] = openaiRows[kind];
  return {
    error: {
      message: fill(message, options),
      type: options.type ?? type,
      param: options.param ?? null,
      code: options.code === undefined ? code : options.code,
    },
  };
}

const openaiRows: Readonly<Record<ProviderErrorKind, Row>> = {
  'key-refused': [
    'Incorrect API key provided. You can find your API key at https://platform.openai.com/account/api-keys.',
    'invalid_request_error',
    'invalid_api_key',
  ],
  forbidden: [
    'Country, region, or territory not supported',
    'request_forbidden',
    'unsupported_country_region_territory',
  ],
  'not-found': [
    'The model `{model}` does not exist or you do not have access to it.',
    'invalid_request_error',
    'model_not_found',
  ],
  'invalid-request': ['The request is not valid.', 'invalid_request_error', null],
  'rate-limited': [
    'Rate limit reached for {model} on requests per min (RPM). Please try again later.',
    'requests',
    'rate_limit_exceeded',
  ],
  'quota-exhausted': [
    'You exceeded your current quota, please check your plan and billing details.',
    'insufficient_quota',
    'insufficient_quota',
  ],
  overloaded: [
    'The engine is currently overloaded, please try again later',
    'service_unavailable_error',
    'server_is_overloaded',
  ],
  'server-error': ['The server had an error while processing your request. Sorry about that!', 'server_error', null],
};

function mistralBody(kind: ProviderErrorKind, status: number, options: ErrorBodyOptions): JsonObject {
  // Seen live, and what the official client reads: 401 and 422 come from the framework in front of the API.
  if (kind === 'key-refused') return { detail: options.message ?? 'Unauthorized' };
  if (status === 422) return { detail: [validationIssue(options)] };
  const [message, type, code] = mistralRows[kind];
  return {
    object: 'error',
    message: fill(message, options),
    type: options.type ?? type,
    param: options.param ?? null,
    code: options.code === undefined ? code : options.code,
    ...(kind === 'rate-limited' ? { raw_status_code: status } : {}),
  };
}

function validationIssue({
  message = 'Input should be a valid list',
  type = 'value_error',
  param,
}: ErrorBodyOptions): Json {
  return { type, loc: ['body', ...(param ?? 'messages').split('.')], msg: message, input: null };
}

const mistralRows: Readonly<Record<Exclude<ProviderErrorKind, 'key-refused'>, Row>> = {
  forbidden: ['You do not have access to this resource', 'invalid_request_error', null],
  'not-found': ['Invalid model: {model}', 'invalid_model', '1500'],
  'invalid-request': ['The request is not valid', 'invalid_request_error', null],
  'rate-limited': ['Rate limit exceeded', 'rate_limited', '1300'],
  'quota-exhausted': ['Payment required: check your plan and billing', 'invalid_request_error', null],
  overloaded: ['Service tier capacity exceeded for this model.', 'service_tier_capacity_exceeded', '3505'],
  'server-error': ['Internal server error', 'server_error', null],
};

function ollamaBody(kind: ProviderErrorKind, _status: number, options: ErrorBodyOptions): JsonObject | undefined {
  // A request whose Host is not local gets 403 with nothing in it.
  if (kind === 'forbidden' && options.message === undefined) return undefined;
  return { error: fill(ollamaTexts[kind], options) };
}

const ollamaTexts: Readonly<Record<ProviderErrorKind, string>> = {
  'key-refused': 'unauthorized',
  forbidden: 'forbidden',
  'not-found': "model '{model}' not found",
  'invalid-request': 'invalid request',
  'rate-limited': 'too many requests, please try again later',
  'quota-exhausted': 'you have reached your weekly usage limit, please wait or upgrade to continue',
  overloaded: 'server busy, please try again.  maximum pending requests exceeded',
  'server-error': 'an internal error occurred',
};

function fill(text: string, { message, model = 'unknown' }: ErrorBodyOptions): string {
  return message ?? text.replace('{model}', model);
}
