// Pages of which sites may call from a browser (WHATWG Fetch, CORS): by default none but those of the gateway's own address.
import type { IncomingMessage } from 'node:http';

export type OriginVerdict =
  | { kind: 'none' }
  | { kind: 'allowed'; headers: Record<string, string> }
  /** A browser asks before it sends: this is the answer. */
  | { kind: 'preflight'; headers: Record<string, string> }
  | { kind: 'refused' };

const methods = 'GET, HEAD, POST, PUT, DELETE';
/** What clients of these APIs send from a browser. */
const sendable =
  /^(accept|accept-language|authorization|content-type|idempotency-key|traceparent|tracestate|user-agent|openai-[a-z-]+|x-stainless-[a-z-]+|x-rempart-[a-z-]+|x-request-id)$/;
const readable = [
  'retry-after',
  'x-request-id',
  'x-should-retry',
  'x-rempart-degraded',
  ...['limit', 'remaining', 'reset'].flatMap((kind) => [`x-ratelimit-${kind}-requests`, `x-ratelimit-${kind}-tokens`]),
].join(', ');

export function createOriginCheck(origins: readonly string[]): (req: IncomingMessage) => OriginVerdict {
  const known = new Set(origins.map((origin) => origin.toLowerCase()));
  return ({ method, headers }) => {
    const { origin } = headers;
    if (origin === undefined) return { kind: 'none' };
    const same = origin === `http://${headers.host}` || origin === `https://${headers.host}`;
    if (!same && !known.has(origin.toLowerCase())) return { kind: 'refused' };
    const own = {
      'access-control-allow-origin': origin,
      vary: 'origin',
      'cross-origin-resource-policy': 'cross-origin',
    };
    if (method !== 'OPTIONS' || headers['access-control-request-method'] === undefined)
      return { kind: 'allowed', headers: { ...own, 'access-control-expose-headers': readable } };
    const asked = (headers['access-control-request-headers'] ?? '').toLowerCase().split(',');
    const granted = asked.map((name) => name.trim()).filter((name) => sendable.test(name));
    return {
      kind: 'preflight',
      headers: {
        ...own,
        'access-control-allow-methods': methods,
        ...(granted.length === 0 ? {} : { 'access-control-allow-headers': granted.join(', ') }),
        'access-control-max-age': '600',
      },
    };
  };
}
