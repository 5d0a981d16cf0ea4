// One HTTP request to the chatbot and its answer: JSON read within limits, JSON or events written.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { explainError, RempartError } from '../../platform/base/errors.ts';
import type { JsonObject } from '../../platform/base/json.ts';
import type { Lang } from '../../platform/i18n/say.ts';

/** The body as a JSON object. Throws ERR_BODY_TOO_LARGE, ERR_BODY_JSON, ERR_BODY_INVALID. */
export async function readJson(req: IncomingMessage, maxBytes: number): Promise<JsonObject> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of req as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new RempartError('ERR_BODY_TOO_LARGE', { limit: maxBytes });
    chunks.push(chunk);
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks)));
  } catch (error) {
    throw new RempartError('ERR_BODY_JSON', {}, error);
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw new RempartError('ERR_BODY_INVALID', { what: '{…}' });
  return parsed as JsonObject;
}

/** A text field of a body; undefined when it is absent, null or empty. Throws ERR_BODY_INVALID. */
export function textField(body: JsonObject, name: string, maxLength: number): string | undefined {
  const value = body[name];
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value !== 'string' || value.length > maxLength) throw new RempartError('ERR_BODY_INVALID', { what: name });
  return value;
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
  res.end(text);
}

/** The error's own status and sentence; `retry-after` where waiting helps, `x-should-retry: false` where it does not. */
export function sendError(res: ServerResponse, error: RempartError, lang: Lang): void {
  const seconds = error.facts['seconds'];
  const again: Record<string, string> =
    seconds === undefined ? { 'x-should-retry': 'false' } : { 'retry-after': String(seconds) };
  sendJson(res, error.http, errorBody(error, lang), again);
}

export function errorBody(error: RempartError, lang: Lang): { error: { code: string; message: string; todo: string } } {
  const { says, todo } = explainError(error, lang);
  return { error: { code: error.code, message: says, todo } };
}

/** One server-sent event (WHATWG HTML §9.2). */
export function eventFrame(event: 'delta' | 'done' | 'error', data: unknown): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
