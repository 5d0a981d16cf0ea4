// How the front says no: in the shape of the dialect that the address belongs to, on a connection that ends.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RempartError } from '../../../platform/base/errors.ts';
import type { Lang } from '../../../platform/i18n/say.ts';
import { dialectOf } from '../receive.ts';
import { langOf, sendError, viewOf } from '../reply.ts';
import { newRequestId } from './request-id.ts';

/** On every answer: nothing here is a page, and nothing is to be kept. */
export const securityHeaders: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
};

export function refuse(
  req: IncomingMessage,
  res: ServerResponse,
  error: RempartError,
  { lang, requestId, headers = {} }: { lang: Lang; requestId: string; headers?: Record<string, string> },
): void {
  const dialect = dialectOf(pathOf(req.url), req.headers['user-agent']);
  const context = { res, dialect, requestId, lang: langOf(req, lang) };
  sendError(context, { error }, { connection: 'close', ...headers });
}

/** For what never became a request; `target` is its address as far as it could be told. */
export function rawRefusal(error: RempartError, target: string, lang: Lang) {
  return {
    body: dialectOf(pathOf(target)).writeError(viewOf(error, lang)),
    headers: { ...securityHeaders, 'x-request-id': newRequestId(), 'content-language': lang },
  };
}

export function pathOf(url = '/'): string {
  const query = url.indexOf('?');
  return query === -1 ? url : url.slice(0, query);
}
