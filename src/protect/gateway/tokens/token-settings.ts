// Whose access tokens are believed, what opens them, and what their claims mean here.
import { createPrivateKey, createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import { isLoopback } from '../../../platform/base/environment-proxy.ts';
import type { TextKey } from '../../../platform/i18n/say.ts';

const role = z.enum(['user', 'viewer', 'operator', 'admin']);
const secret = z.string().regex(/^(env|file):.+/, 'issue.secret');
const algorithms = ['HS256', 'RS256', 'ES256', 'EdDSA'] as const;
const algorithm = z.enum(algorithms);
const kid = z.string().min(1).max(200).optional();

export const tokenIssuerSchema = z.strictObject({
  /** Must equal the claim `iss`, letter by letter. */
  issuer: z.string().min(1).max(500),
  /** One of them must stand in the claim `aud`: a token made for another service opens nothing here. */
  audience: z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]).transform((given) => [given].flat()),
  /** Keys given here. Each is good for its one algorithm only, whatever the token's header says. */
  keys: z.array(z.strictObject({ key: secret, algorithm, kid })).default([]),
  /** Address of a JWK set; https, or this machine. */
  jwks: z.string().optional(),
  /** What the keys of the JWK set may be used with. */
  algorithms: z
    .array(z.enum(['RS256', 'ES256', 'EdDSA']))
    .min(1)
    .default(['RS256', 'ES256', 'EdDSA']),
  /** How long a JWK set is taken as it is before it is asked for again. */
  jwksMinutes: z.number().min(1).max(1_440).default(10),
  clockToleranceSeconds: z.number().int().min(0).max(600).default(30),
  /** Longest time from `iat` to `exp` that is accepted. */
  maxLifetimeHours: z.number().min(0.01).max(8_760).default(24),
  /** The claim that names the role; without it every token is a user's. */
  roleClaim: z.string().min(1).optional(),
  /** What its values mean, e.g. {rempart-operators: operator}. Without an entry `user` and `viewer` mean themselves; nothing means more by itself. */
  roles: z.record(z.string(), role).default({}),
  /** The claim whose entries model:PATTERN and route:PATTERN narrow the token. */
  scopesClaim: z.string().min(1).default('scope'),
  /** With it, `rempart token issue` makes tokens of this issuer. */
  signing: z.strictObject({ key: secret, algorithm, kid }).optional(),
});

/** As given to the gateway: `env:` and `file:` are resolved. */
export type TokenIssuer = z.output<typeof tokenIssuerSchema>;
export type Algorithm = (typeof algorithms)[number];

/** A secret of fewer bytes can be found by trying (RFC 7518 §3.2). */
export const minSecretBytes = 32;

/** What only shows once the keys are there: told as a setting and what is wrong with it. */
export function tokenIssues(issuers: readonly TokenIssuer[]): { path: string; issue: TextKey }[] {
  const found: { path: string; issue: TextKey }[] = [];
  const names = new Set<string>();
  for (const [index, { issuer, keys, jwks, signing }] of issuers.entries()) {
    const at = `access.tokens.${index}`;
    if (names.has(issuer)) found.push({ path: `${at}.issuer`, issue: 'access.issue.issuer-twice' });
    names.add(issuer);
    if (keys.length === 0 && jwks === undefined && signing === undefined)
      found.push({ path: `${at}.keys`, issue: 'access.issue.no-keys' });
    if (jwks !== undefined && !isSafeAddress(jwks)) found.push({ path: `${at}.jwks`, issue: 'access.issue.jwks' });
    for (const [k, { key, algorithm }] of keys.entries()) {
      const issue = keyIssue(key, algorithm);
      if (issue !== undefined) found.push({ path: `${at}.keys.${k}.key`, issue });
    }
    const issue = signing === undefined ? undefined : signingIssue(signing.key, signing.algorithm);
    if (issue !== undefined) found.push({ path: `${at}.signing.key`, issue });
  }
  return found;
}

function keyIssue(key: string, algorithm: Algorithm): TextKey | undefined {
  if (algorithm !== 'HS256') return fits(() => publicKeyOf(key), algorithm) ? undefined : 'access.issue.public-key';
  // A public key is no secret: whoever has it could sign.
  if (/-----BEGIN|^\s*\{|^ssh-/.test(key)) return 'access.issue.public-as-secret';
  return Buffer.byteLength(key) < minSecretBytes ? 'access.issue.secret-short' : undefined;
}

function signingIssue(key: string, algorithm: Algorithm): TextKey | undefined {
  if (algorithm === 'HS256') return keyIssue(key, algorithm);
  return fits(() => createPrivateKey(key), algorithm) ? undefined : 'access.issue.private-key';
}

function fits(read: () => KeyObject, algorithm: Algorithm): boolean {
  try {
    return isFor(read(), algorithm);
  } catch {
    return false;
  }
}

/** Whether a key is of the kind and strength that an algorithm asks for. */
export function isFor(key: KeyObject, algorithm: Algorithm): boolean {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  switch (algorithm) {
    case 'HS256':
      return key.type === 'secret';
    case 'RS256':
      return type === 'rsa' && (details?.modulusLength ?? 0) >= 2_048;
    case 'ES256':
      return type === 'ec' && details?.namedCurve === 'prime256v1';
    case 'EdDSA':
      return type === 'ed25519';
  }
}

/** A PEM file or a JWK. A private key's public half serves too. */
export function publicKeyOf(text: string): KeyObject {
  return text.trimStart().startsWith('{')
    ? createPublicKey({ key: JSON.parse(text) as JsonWebKey, format: 'jwk' })
    : createPublicKey(text);
}

function isSafeAddress(address: string): boolean {
  const url = URL.parse(address);
  if (url === null || url.username !== '' || url.password !== '') return false;
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(address));
}
