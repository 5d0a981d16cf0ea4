// One HTTP request to the chatbot and its answer: JSON read within limits, JSON or events written.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { explainError, RempartError } from '../../platform/base/errors.ts';
import type { JsonObject } from '../../platform/base/json.ts';
import type { Lang } from '../../platform/i18n/say.ts';
import { readBody } from '../gateway/read.ts';
import { endWith } from '../gateway/read-away.ts';
import { anything, object, type UnknownFields } from '../gateway/shape.ts';

export interface BodyLimits {
  maxBodyBytes: number;
  maxBodyDepth: number;
}

/**
 * The body as a JSON object of these fields, read as strictly as the gateway reads one. Throws ERR_BODY_TOO_LARGE,
 * ERR_BODY_ENCODING, ERR_BODY_JSON, ERR_BODY_DEPTH, ERR_BODY_DUPLICATE_KEY, ERR_BODY_FIELD_UNKNOWN, ERR_BODY_INVALID.
 */
export async function readJson(
  req: IncomingMessage,
  limits: BodyLimits,
  fields: readonly string[],
  unknown: UnknownFields,
): Promise<JsonObject> {
  // Also what keeps the forms of other sites' pages out: a browser asks before it sends this type elsewhere.
  if (!/^application\/json\s*(;|$)/i.test(req.headers['content-type'] ?? ''))
    throw new RempartError('ERR_BODY_ENCODING');
  const body = await readBody(req, limits);
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new RempartError('ERR_BODY_INVALID', { what: '{…}' });
  object(Object.fromEntries(fields.map((name) => [name, anything])))(body, '', unknown);
  // Built anew from what is known; a null stays one, since for a setting it is a value.
  return Object.fromEntries(fields.flatMap((name) => (Object.hasOwn(body, name) ? [[name, body[name]!]] : [])));
}

/**
 * A text field of a body; undefined when it is absent, null or empty. Throws ERR_BODY_INVALID, also for U+0000 and
 * halves of surrogate pairs, which PostgreSQL cannot keep.
 */
export function textField(body: JsonObject, name: string, maxLength: number): string | undefined {
  const value = body[name];
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value !== 'string' || value.length > maxLength || !isStorable(value))
    throw new RempartError('ERR_BODY_INVALID', { what: name });
  return value;
}

export function isStorable(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed();
}

export function sendJson(
  res: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  if (res.headersSent || res.destroyed) return;
  const text = JSON.stringify(body);
  res.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': String(Buffer.byteLength(text)),
    'cache-control': 'no-store',
    ...headers,
  });
  endWith(res, text);
}

/** The error's own status and sentence; `retry-after` where waiting helps, `x-should-retry: false` where it does not. */
export function sendError(res: ServerResponse, error: RempartError, lang: Lang): void {
  const seconds = error.facts['seconds'];
  const again: Record<string, string> =
    seconds === undefined ? { 'x-should-retry': 'false' } : { 'retry-after': String(seconds) };
  // What was not read to its end cannot be told from a next request.
  const ends = !res.req.complete || error.code === 'ERR_BODY_TOO_LARGE';
  const end: Record<string, string> = ends ? { connection: 'close' } : {};
  sendJson(res, error.http, errorBody(error, lang), { ...again, ...end });
}

export function errorBody(error: RempartError, lang: Lang): { error: { code: string; message: string; todo: string } } {
  const { says, todo } = explainError(error, lang);
  return { error: { code: error.code, message: says, todo } };
}

/** One server-sent event (WHATWG HTML §9.2). */
export function eventFrame(event: 'delta' | 'done' | 'error', data: unknown): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
