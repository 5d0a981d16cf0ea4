// Access tokens (JWT, RFC 7519; RFC 8725 for what to refuse): whose they are, verified once and remembered until they end or are revoked.
import { createSecretKey, hash, type KeyObject } from 'node:crypto';
import {
  type CryptoKey,
  decodeJwt,
  decodeProtectedHeader,
  errors,
  type JWSHeaderParameters,
  type JWTPayload,
  jwtVerify,
} from 'jose';
import { isSubject } from '../../../platform/base/subject.ts';
import type { Role } from '../ask.ts';
import { isScope, type Scopes } from '../scopes.ts';
import { createKeySets, type KeySetParts, type KeySets, KeysAway } from './key-set.ts';
import type { Revocations } from './revocations.ts';
import { type Algorithm, publicKeyOf, type TokenIssuer } from './token-settings.ts';

/** Whom a token stands for. */
export interface Bearer {
  subject: string;
  role: Role;
  scopes?: Scopes;
  /** Public: fit for the journal. */
  id: string;
}

export type FoundToken =
  | { kind: 'accepted'; bearer: Bearer }
  | { kind: 'refused'; reason: 'unknown' | 'expired' | 'revoked'; credential?: string }
  /** The issuer's keys cannot be fetched, so nothing is known about it. */
  | { kind: 'away'; seconds: number };

export interface Tokens {
  /** At once for a token that was met before. */
  find(token: string): FoundToken | Promise<FoundToken>;
}

export interface TokensParts extends KeySetParts {
  revocations: Pick<Revocations, 'isRevoked'>;
  /** Default: its own, which nobody has fetched yet. */
  keySets?: KeySets;
}

const longestToken = 8_192;
/** Tokens remembered at most; whoever holds so many good ones pays with a check each. */
const maxRemembered = 10_000;
const roleRank: readonly Role[] = ['viewer', 'user', 'operator', 'admin'];

interface Verified {
  bearer: Bearer;
  jti?: string;
  /** Milliseconds since the epoch; no later than it was first met, which an issuer whose clock is ahead may say. */
  issuedAt: number;
  /** Until when it is good, the tolerance for clocks included. */
  until: number;
  /** Until when it is believed without another look at the issuer's keys: a key that was withdrawn must stop counting. */
  believedUntil: number;
}

/** Three parts, of which the first is a JSON object in base64url. An API key may look like that too, so those are tried first. */
export function looksLikeToken(text: string): boolean {
  return text.startsWith('eyJ') && text.length <= longestToken && /^[\w-]+\.[\w-]+\.[\w-]+$/.test(text);
}

/** The last character of a signature may hold bits that nobody reads: another spelling of a good one is a token nobody issued. */
function isCanonical(token: string): boolean {
  const signature = token.slice(token.lastIndexOf('.') + 1);
  return Buffer.from(signature, 'base64url').toString('base64url') === signature;
}

export function createTokens(parts: TokensParts, issuers: readonly TokenIssuer[]): Tokens {
  const { now, revocations, keySets = createKeySets(parts) } = parts;
  const byName = new Map(issuers.map((issuer) => [issuer.issuer, openIssuer({ now, keySets }, issuer)]));
  const remembered = new Map<string, Verified>();

  function judge({ bearer, jti, issuedAt, until }: Verified): FoundToken {
    if (now() >= until) return { kind: 'refused', reason: 'expired', credential: bearer.id };
    if (revocations.isRevoked({ jti, subject: bearer.subject, issuedAt }))
      return { kind: 'refused', reason: 'revoked', credential: bearer.id };
    return { kind: 'accepted', bearer };
  }

  function remember(digest: string, verified: Verified): void {
    remembered.delete(digest);
    remembered.set(digest, verified);
    const [oldest] = remembered.keys();
    if (remembered.size > maxRemembered && oldest !== undefined) remembered.delete(oldest);
  }

  async function verify(token: string, digest: string): Promise<FoundToken> {
    const unknown = { kind: 'refused', reason: 'unknown' } as const;
    if (!isCanonical(token)) return unknown;
    try {
      // Only to know whose keys to try: nothing in it is believed before the signature is checked.
      const issuer = byName.get(decodeJwt(token).iss ?? '');
      if (issuer === undefined) return unknown;
      const found = await issuer(token);
      if (found === undefined) return unknown;
      const before = remembered.get(digest)?.issuedAt ?? now();
      const verified = { ...found, issuedAt: Math.min(found.issuedAt, before) };
      remember(digest, verified);
      return judge(verified);
    } catch (error) {
      if (error instanceof KeysAway) return { kind: 'away', seconds: error.seconds };
      if (error instanceof errors.JWTExpired) return { kind: 'refused', reason: 'expired' };
      return unknown;
    }
  }

  return {
    find(token) {
      if (!looksLikeToken(token)) return { kind: 'refused', reason: 'unknown' };
      const digest = hash('sha256', token, 'base64url');
      const known = remembered.get(digest);
      if (known !== undefined && (now() < known.believedUntil || now() >= known.until)) return judge(known);
      return verify(token, digest);
    },
  };
}

type VerifyToken = (token: string) => Promise<Verified | undefined>;

function openIssuer(
  { now, keySets }: Required<Pick<TokensParts, 'now' | 'keySets'>>,
  settings: TokenIssuer,
): VerifyToken {
  const { issuer, audience, clockToleranceSeconds, maxLifetimeHours, jwks } = settings;
  const given = givenKeys(settings);
  const believedMs = settings.jwksMinutes * 60_000;
  const keySet = jwks === undefined ? undefined : keySets.of({ url: jwks, maxAgeMs: believedMs });
  const algorithms = [
    ...new Set<string>([...given.map((key) => key.algorithm), ...(keySet === undefined ? [] : settings.algorithms)]),
  ];

  /** A key is only ever used with the algorithm it was given for: a header cannot make a public key a secret. */
  async function keyFor(header: JWSHeaderParameters): Promise<KeyObject | CryptoKey> {
    const fitting = given.filter(
      ({ algorithm, kid }) => algorithm === header.alg && (kid === undefined || kid === header.kid),
    );
    const exact = fitting.find(({ kid }) => kid !== undefined) ?? fitting[0];
    if (exact !== undefined) return exact.key;
    if (keySet === undefined || !settings.algorithms.some((name) => name === header.alg))
      throw new errors.JWKSNoMatchingKey();
    return keySet.key(header);
  }

  return async (token) => {
    const { payload } = await jwtVerify(token, keyFor, {
      issuer,
      audience,
      algorithms,
      clockTolerance: clockToleranceSeconds,
      currentDate: new Date(now()),
      requiredClaims: ['exp', 'iat'],
    });
    const { typ } = decodeProtectedHeader(token);
    // An identity token or a logout token of the same issuer is no access token (RFC 8725 §3.11).
    if (typ !== undefined && !/^(application\/)?(jwt|at\+jwt)$/i.test(typ)) return undefined;
    const bearer = bearerOf(payload, settings);
    const [issued, ends] = [payload.iat ?? Number.NaN, payload.exp ?? Number.NaN];
    if (bearer === undefined || !(ends - issued <= maxLifetimeHours * 3_600)) return undefined;
    if (issued > now() / 1_000 + clockToleranceSeconds) return undefined;
    const until = (ends + clockToleranceSeconds) * 1_000;
    return {
      bearer,
      ...(typeof payload.jti === 'string' ? { jti: payload.jti } : {}),
      issuedAt: issued * 1_000,
      until,
      believedUntil: Math.min(until, keySet === undefined ? until : now() + believedMs),
    };
  };
}

function givenKeys({
  keys,
  signing,
}: TokenIssuer): { algorithm: Algorithm; kid: string | undefined; key: KeyObject }[] {
  return [...keys, ...(signing === undefined ? [] : [signing])].map(({ key, algorithm, kid }) => ({
    algorithm,
    kid,
    key: algorithm === 'HS256' ? createSecretKey(Buffer.from(key)) : publicKeyOf(key),
  }));
}

/** Undefined when the claims name nobody. */
function bearerOf(payload: JWTPayload, settings: TokenIssuer): Bearer | undefined {
  const given = payload.sub ?? payload['user_id'];
  const subject = typeof given === 'number' && Number.isSafeInteger(given) ? String(given) : given;
  if (typeof subject !== 'string' || !isSubject(subject)) return undefined;
  const role = roleOf(payload, settings);
  // The name of who logs in with the console's password: no other door gives it.
  if (subject === 'admin' && role !== 'admin') return undefined;
  const scopes = scopesOf(payload[settings.scopesClaim]);
  if (scopes === 'broken') return undefined;
  const mark = typeof payload.jti === 'string' && /^[\w.:-]{1,64}$/.test(payload.jti) ? payload.jti : undefined;
  const id = `jwt_${mark ?? hash('sha256', `${payload.iss} ${subject} ${payload.iat}`, 'hex').slice(0, 12)}`;
  return { subject, role, id, ...(scopes === undefined ? {} : { scopes }) };
}

/** The highest that the configuration gives to any of the claim's values. */
function roleOf(payload: JWTPayload, { roleClaim, roles }: TokenIssuer): Role {
  const meanings = new Map<string, Role>([['user', 'user'], ['viewer', 'viewer'], ...Object.entries(roles)]);
  const claim = roleClaim === undefined ? undefined : payload[roleClaim];
  const found = [claim].flat().flatMap((value) => (typeof value === 'string' ? (meanings.get(value) ?? []) : []));
  return (
    found.reduce<Role | undefined>(
      (best, role) => (best === undefined || roleRank.indexOf(role) > roleRank.indexOf(best) ? role : best),
      undefined,
    ) ?? 'user'
  );
}

/** Entries model:… and route:… of a list, or of a text separated by spaces; the others are not ours. */
function scopesOf(claim: unknown): Scopes | undefined | 'broken' {
  if (claim === undefined || claim === null) return undefined;
  const entries: unknown[] = typeof claim === 'string' ? claim.split(' ') : Array.isArray(claim) ? claim : [undefined];
  // What cannot be read must not open more than what can.
  if (!entries.every((entry) => typeof entry === 'string')) return 'broken';
  const of = (prefix: string) =>
    (entries as string[]).flatMap((entry) => (entry.startsWith(prefix) ? [entry.slice(prefix.length)] : []));
  const [models, routes] = [of('model:'), of('route:')];
  if (![...models, ...routes].every(isScope)) return 'broken';
  if (models.length === 0 && routes.length === 0) return undefined;
  return { ...(models.length === 0 ? {} : { models }), ...(routes.length === 0 ? {} : { routes }) };
}
