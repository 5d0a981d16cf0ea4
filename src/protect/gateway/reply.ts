// What the client gets: the dialect's own shapes, the headers that every answer has, and errors in the user's language.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { explainError, RempartError } from '../../platform/base/errors.ts';
import type { JsonObject } from '../../platform/base/json.ts';
import { acceptedLang, type Lang, say } from '../../platform/i18n/say.ts';
import type { DegradedMode } from './ask.ts';
import type { Dialect, ErrorView } from './dialects/dialect.ts';
import type { Unavailable } from './failure-error.ts';
import { endWith, isUnread } from './read-away.ts';
import type { RequestTrace } from './request-trace.ts';

export interface ReplyContext {
  res: ServerResponse;
  dialect: Dialect;
  requestId: string;
  lang: Lang;
  /** Where its spans are made; nothing where it is not traced. */
  trace?: RequestTrace | undefined;
}

export function langOf(req: IncomingMessage, fallback: Lang): Lang {
  return acceptedLang(req.headers['accept-language'], fallback);
}

export function viewOf(error: RempartError, lang: Lang): ErrorView {
  const { says, todo } = explainError(error, lang);
  const { field } = error.facts;
  // French and English sentences alike end in a full stop here; the catalogue keeps it off the first.
  const param = typeof field === 'string' ? { param: field } : {};
  return { status: error.http, code: error.code, message: `${says}. ${todo}`, ...param };
}

export function sendJson(
  context: ReplyContext,
  status: number,
  body: JsonObject,
  headers: Record<string, string> = {},
): void {
  const { res, requestId } = context;
  if (res.headersSent || res.destroyed) return;
  const text = JSON.stringify(body);
  res.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    'x-request-id': requestId,
    ...headers,
  });
  // As a string it leaves with its header in one write; bytes would go as a second piece.
  endWith(res, text);
}

/** The value of `vary` with `name` in it, beside what was put there before. */
export function varyingBy(name: string, { res }: Pick<ReplyContext, 'res'>): string {
  const before = res.getHeader('vary');
  return before === undefined ? name : `${before}, ${name}`;
}

export function degradedHeader(modes: readonly DegradedMode[]): Record<string, string> {
  return modes.length === 0 ? {} : { 'x-rempart-degraded': modes.join(',') };
}

/** Waiting helps: `retry-after`. Sending it again at once does not: `x-should-retry: false`. Some errors say both. */
export function sendError(
  context: ReplyContext,
  { error, retryAfterSeconds, degraded = [], contact }: Unavailable,
  headers: Record<string, string> = {},
): void {
  const view = viewOf(error, context.lang);
  if (contact !== undefined) view.message += ` ${say(context.lang, 'local.contact', { contact })}`;
  // What was not read to its end cannot be told from a next request, so nothing may follow on this connection.
  const isLast: Record<string, string> = isUnread(context.res.req) ? { connection: 'close' } : {};
  sendJson(context, view.status, context.dialect.writeError(view), {
    'content-language': context.lang,
    vary: varyingBy('accept-language', context),
    ...degradedHeader(degraded),
    ...(retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }),
    ...(isWorthRetrying(error.code, retryAfterSeconds) ? {} : { 'x-should-retry': 'false' }),
    ...headers,
    ...isLast,
  });
}

const healsByItself: ReadonlySet<string> = new Set([
  'ERR_PROVIDER_UNAVAILABLE',
  'ERR_RATE_LIMITED',
  'ERR_LIMIT_AT_ONCE',
  'ERR_OVERLOADED',
  'ERR_JOURNAL_UNWRITABLE',
  'ERR_UNSCREENED',
  'ERR_ANSWER_UNSCREENED',
  'ERR_INTERNAL',
  'ERR_TOKEN_KEYS_AWAY',
  'ERR_STORE_AWAY',
]);

/** Clients wait no longer than this before they try again by themselves. */
const patientSeconds = 60;

/** A limit that is lifted in an hour is not lifted by a client that asks three times within a second. */
function isWorthRetrying(code: string, retryAfterSeconds: number | undefined): boolean {
  if (code !== 'ERR_LIMIT_REQUESTS' && code !== 'ERR_LIMIT_TOKENS') return healsByItself.has(code);
  return retryAfterSeconds !== undefined && retryAfterSeconds <= patientSeconds;
}

/** Any error as one that may be shown. */
export function shownError(error: unknown): Unavailable {
  return { error: error instanceof RempartError ? error : new RempartError('ERR_INTERNAL') };
}
