// A token made here, signed with a key of the configuration.
import { createPrivateKey, createSecretKey, randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import type { Scopes } from '../scopes.ts';
import type { TokenIssuer } from './token-settings.ts';

export interface WantedToken {
  subject: string;
  /** A value of the issuer's role claim. */
  role?: string;
  scopes?: Scopes;
  /** Seconds since the epoch. */
  issuedAt: number;
  expiresAt: number;
}

export interface MadeToken {
  token: string;
  jti: string;
}

/** `issuer` must have `signing`. */
export async function signToken(issuer: TokenIssuer, wanted: WantedToken): Promise<MadeToken> {
  const { signing } = issuer;
  if (signing === undefined) throw new TypeError('the issuer has no key to sign with');
  const jti = randomUUID();
  const scope = [
    ...(wanted.scopes?.models ?? []).map((pattern) => `model:${pattern}`),
    ...(wanted.scopes?.routes ?? []).map((pattern) => `route:${pattern}`),
  ];
  const claims = {
    ...(wanted.role === undefined || issuer.roleClaim === undefined ? {} : { [issuer.roleClaim]: wanted.role }),
    ...(scope.length === 0 ? {} : { [issuer.scopesClaim]: scope }),
  };
  const token = await new SignJWT(claims)
    .setProtectedHeader({
      alg: signing.algorithm,
      typ: 'JWT',
      ...(signing.kid === undefined ? {} : { kid: signing.kid }),
    })
    .setSubject(wanted.subject)
    .setIssuer(issuer.issuer)
    .setAudience(issuer.audience[0] ?? '')
    .setIssuedAt(wanted.issuedAt)
    .setExpirationTime(wanted.expiresAt)
    .setJti(jti)
    .sign(signing.algorithm === 'HS256' ? createSecretKey(Buffer.from(signing.key)) : createPrivateKey(signing.key));
  return { token, jti };
}
