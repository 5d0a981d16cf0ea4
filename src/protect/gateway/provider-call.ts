// The request that a provider gets: its own path and key, nothing of the client's headers.
import type { Ending } from '../../platform/base/ending.ts';
import { describeProviderError, type ProviderHeaders } from '../../platform/wire/provider-errors.ts';
import { type Failure, failureOfAnswer } from '../resilience/failure.ts';
import type { Provider, Target } from './route.ts';
import type { GatewaySettings } from './settings.ts';
import { limitUsed, type UpstreamRequest } from './upstream.ts';

export interface Sent {
  method: 'GET' | 'POST';
  path: string;
  body?: string;
  /** It asks about a key that may be refused. */
  isProbe?: boolean;
}

export function providerRequest(
  { prefix, dialect, traceHeaders, keys, health }: Provider & Pick<Target, 'traceHeaders'>,
  key: string,
  { method, path, body, isProbe }: Sent,
  { timeouts }: GatewaySettings,
  totalMs: number,
  signal: Ending,
): UpstreamRequest {
  return {
    method,
    path: `${prefix}${path}`,
    headers: {
      accept: body === undefined ? 'application/json' : `application/json, ${dialect.streamType}`,
      'accept-encoding': 'identity',
      'user-agent': 'rempart',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(key === '' ? {} : { authorization: `Bearer ${key}` }),
      ...traceHeaders,
    },
    ...(body === undefined ? {} : { body }),
    timeouts,
    totalMs,
    signal,
    ...(key === '' || isProbe === true ? {} : { mayGo: () => health.mayUse(keys.indexOf(key)) }),
  };
}

/** The failure in an answer's status; undefined when it is a success. Redirects are never followed: they lead out of the configuration. */
export function failureOfStatus(
  { dialect, health, foresight }: Provider,
  status: number,
  headers: ProviderHeaders,
  body: string,
  now: () => number,
): Failure | undefined {
  foresight?.learn(headers);
  const used = limitUsed(headers);
  if (used !== undefined) health.used(used);
  if (status === 200) return undefined;
  if (status < 400) return { kind: 'malformed', heals: true };
  return failureOfAnswer(describeProviderError(dialect.name, status, headers, body, now));
}
