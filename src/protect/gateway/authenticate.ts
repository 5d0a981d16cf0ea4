// Who asks: the caller behind a request's API key or access token.
import type { IncomingMessage } from 'node:http';
import type { Caller } from './ask.ts';
import type { Attempt, Guesses } from './guesses.ts';
import type { KeyRecord, Keys } from './keys.ts';
import { sourceAddress } from './source-network.ts';
import { type FoundToken, looksLikeToken, type Tokens } from './tokens/tokens.ts';

export type Authentication =
  | { kind: 'known'; caller: Caller }
  | { kind: 'missing' }
  /** `credential` is the public id of a key or token that was known once. */
  | { kind: 'refused'; reason: 'unknown' | 'expired' | 'revoked'; credential?: string }
  /** Too many wrong ones came before it, so it was not looked at. */
  | { kind: 'locked'; seconds: number }
  /** The keys that tokens are checked with cannot be fetched. */
  | { kind: 'away'; seconds: number };

/** At once for a key; later for a token that must be verified, and for a refusal that is made to wait. */
export type Identify = (req: IncomingMessage) => Authentication | Promise<Authentication>;

export interface IdentifyParts {
  keys: Pick<Keys, 'find'>;
  /** Without it no token opens anything. */
  tokens?: Tokens;
  /** Without it guesses are only counted. */
  guesses?: Guesses;
}

const longestKey = 512;

export function createIdentify({ keys, tokens, guesses }: IdentifyParts): Identify {
  return (req) => {
    const secret = presentedSecret(req.headers.authorization);
    if (secret === undefined) return { kind: 'missing' };
    const address = sourceAddress(req);
    const attempt = guesses?.attempt(secret, address);
    if (attempt !== undefined && attempt.locked > 0) return { kind: 'locked', seconds: attempt.locked };
    const found = secret.length > longestKey ? ({ kind: 'unknown' } as const) : keys.find(secret);
    if (found.kind === 'accepted') {
      attempt?.right();
      return { kind: 'known', caller: callerOfKey(found.record, address) };
    }
    if (found.kind !== 'unknown')
      return refused({ kind: 'refused', reason: found.kind, credential: found.id }, attempt);
    if (tokens === undefined || !looksLikeToken(secret))
      return refused({ kind: 'refused', reason: 'unknown' }, attempt);
    const token = tokens.find(secret);
    return token instanceof Promise
      ? token.then((verified) => ofToken(verified, address, attempt))
      : ofToken(token, address, attempt);
  };
}

function ofToken(
  found: FoundToken,
  address: string,
  attempt: Attempt | undefined,
): Authentication | Promise<Authentication> {
  if (found.kind === 'away') return found;
  if (found.kind === 'refused') return refused(found, attempt);
  attempt?.right();
  const { subject, role, scopes, id } = found.bearer;
  const caller = { subject, role, credential: id, sourceIp: address };
  return { kind: 'known', caller: scopes === undefined ? caller : { ...caller, scopes } };
}

function refused(
  refusal: Extract<Authentication, { kind: 'refused' }>,
  attempt: Attempt | undefined,
): Authentication | Promise<Authentication> {
  const pause = attempt?.wrong(refusal.reason === 'unknown');
  return pause === undefined ? refusal : pause.then(() => refusal);
}

/** Who comes with that key. */
export function callerOfKey({ subject, role, id, scopes }: KeyRecord, address: string): Caller {
  return { subject, role, credential: id, sourceIp: address, ...(scopes === undefined ? {} : { scopes }) };
}

/** RFC 6750 §2.1; the scheme's case does not matter. */
export function presentedSecret(header: string | undefined): string | undefined {
  if (header === undefined || header.length < 8 || header.slice(0, 7).toLowerCase() !== 'bearer ') return undefined;
  return header.slice(7).trim() || undefined;
}
