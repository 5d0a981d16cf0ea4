// Why one attempt at a provider failed, and what follows from it; nothing of the upstream's own words is kept.
import type { ProviderError, ProviderErrorKind } from '../../platform/wire/provider-errors.ts';

export type FailureKind =
  | ProviderErrorKind
  /** No connection came about. */
  | 'unreachable'
  /** The connection broke before the answer's end. */
  | 'cut'
  /** Nothing came within the time. */
  | 'timeout'
  /** An answer that is not the dialect's. */
  | 'malformed';

export interface Failure {
  kind: FailureKind;
  /** The same request may succeed a little later. */
  heals: boolean;
  retryAfterMs?: number;
  /** As a network that is cut for a moment fails: nothing was sent, and waiting a little may be all it takes. */
  maybeBrief?: true;
  /** Of a wrong request: another model may take it. */
  isOfModel?: true;
  /** Not asked at all: what is left of the quota there is for others. */
  isRationed?: true;
}

/** Failures that say something about the provider and not only about this request. */
export function isProvidersFault(kind: FailureKind): boolean {
  return kind !== 'not-found' && kind !== 'invalid-request';
}

/** Nobody is told to come back later than in a day, whatever a provider may say. */
const longestWaitMs = 86_400_000;

export function failureOfAnswer(described: ProviderError): Failure {
  const { kind, retryAfterMs } = described;
  const wait = retryAfterMs === undefined ? {} : { retryAfterMs: Math.min(retryAfterMs, longestWaitMs) };
  return { kind, heals: described.heals, ...wait, ...(described.isOfModel ? { isOfModel: true } : {}) };
}

/** What one provider finds wrong with such a request is wrong for all. */
export function isWrongForAll({ kind, isOfModel }: Failure): boolean {
  return kind === 'invalid-request' && isOfModel !== true;
}

const unreachableCodes = new Set([
  'ECONNREFUSED',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
]);
const cutCodes = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET', 'UND_ERR_ABORTED', 'UND_ERR_DESTROYED']);

/** What an error of the network stack means. */
export function failureOfError(error: Error): Failure {
  const code = (error as NodeJS.ErrnoException).code ?? firstCode(error);
  // A name that does not exist is a wrong setting far more often than a passing trouble.
  if (code === 'ENOTFOUND') return { kind: 'unreachable', heals: true };
  if (code !== undefined && unreachableCodes.has(code)) return { kind: 'unreachable', heals: true, maybeBrief: true };
  if (code !== undefined && cutCodes.has(code)) return { kind: 'cut', heals: true };
  return { kind: 'malformed', heals: true };
}

/** Happy-eyeballs failures are an AggregateError with one error per address. */
function firstCode(error: Error): string | undefined {
  if (!(error instanceof AggregateError)) return undefined;
  return (error.errors[0] as NodeJS.ErrnoException | undefined)?.code;
}
