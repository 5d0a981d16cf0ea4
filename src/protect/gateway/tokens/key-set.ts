// The keys of one issuer's JWK set: fetched when needed, asked for again when an unknown key appears, the last good ones kept while the address is down.
import { createPublicKey, type JsonWebKey } from 'node:crypto';
import {
  type CryptoKey,
  createLocalJWKSet,
  errors,
  type JSONWebKeySet,
  type JWK,
  type JWSHeaderParameters,
} from 'jose';
import type { Log } from '../../../platform/base/log.ts';

export interface KeySet {
  /** The key that a token's header names. Throws KeysAway, or jose's JWKSNoMatchingKey. */
  key(header: JWSHeaderParameters): Promise<CryptoKey>;
}

/** There is no key set to look in. */
export class KeysAway extends Error {
  override readonly name = 'KeysAway';
  readonly seconds: number;
  constructor(seconds: number) {
    super('the issuer’s keys cannot be fetched');
    this.seconds = seconds;
  }
}

export interface KeySetParts {
  now: () => number;
  fetch: typeof fetch;
  log: Pick<Log, 'warn'>;
}

export interface KeySetSettings {
  url: string;
  /** After so long the set is asked for again, behind the scenes. */
  maxAgeMs: number;
  /** Tokens with made-up key ids must not make us a flood to the issuer: one look for them in so long. */
  cooldownMs?: number;
  /** Between two attempts while there is no set at all. */
  retryMs?: number;
  /** After so long without an answer the last good set is no longer believed. */
  staleMs?: number;
  timeoutMs?: number;
}

/** They outlive the configuration that names them: an issuer that is away must not be forgotten because something else was changed. */
export interface KeySets {
  of(settings: KeySetSettings): KeySet;
}

const maxBytes = 262_144;
const maxKeys = 100;

export function createKeySets(parts: KeySetParts): KeySets {
  const known = new Map<string, KeySet>();
  return {
    of(settings) {
      const name = JSON.stringify(settings);
      const set = known.get(name) ?? createKeySet(parts, settings);
      known.set(name, set);
      return set;
    },
  };
}

export function createKeySet({ now, fetch, log }: KeySetParts, settings: KeySetSettings): KeySet {
  const { url, maxAgeMs, cooldownMs = 30_000, retryMs = 5_000, staleMs = 86_400_000, timeoutMs = 5_000 } = settings;
  let find: ReturnType<typeof createLocalJWKSet> | undefined;
  let fetchedAt = -Infinity;
  let triedAt = -Infinity;
  let soughtAt = -Infinity;
  let underWay: Promise<void> | undefined;

  async function load(): Promise<void> {
    triedAt = now();
    try {
      const response = await fetch(url, {
        headers: { accept: 'application/jwk-set+json, application/json' },
        // A redirect could lead where the configuration would not.
        redirect: 'error',
        signal: AbortSignal.timeout(timeoutMs),
      });
      if (response.status !== 200) throw new Error(`status ${response.status}`);
      find = createLocalJWKSet(usable(JSON.parse(await readAtMost(response, maxBytes))));
      fetchedAt = now();
    } catch (error) {
      log.warn({ cause: (error as Error).name }, 'the keys of a token issuer could not be fetched');
    }
  }

  /** One at a time, whoever asks. */
  function reload(): Promise<void> {
    underWay ??= load().finally(() => {
      underWay = undefined;
    });
    return underWay;
  }

  async function current(): Promise<NonNullable<typeof find>> {
    const age = now() - fetchedAt;
    if (find === undefined || age > staleMs) {
      find = undefined;
      if (underWay !== undefined || now() - triedAt >= retryMs) await reload();
      if (find === undefined) throw new KeysAway(Math.ceil(retryMs / 1_000));
    } else if (age > maxAgeMs && now() - triedAt >= cooldownMs) void reload();
    return find;
  }

  return {
    async key(header) {
      const before = triedAt;
      const known = await current();
      try {
        return await known(header);
      } catch (error) {
        if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
        // An issuer may change its keys a moment after the set was fetched: only looks for unknown ids are counted.
        const fetchedForThis = before !== triedAt && underWay === undefined;
        if (fetchedForThis || (underWay === undefined && now() - soughtAt < cooldownMs)) throw error;
        soughtAt = now();
        await reload();
        return (await current())(header);
      }
    },
  };
}

async function readAtMost(response: Response, limit: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > limit) throw new Error('too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Public keys for signatures, strong enough; anything else in the set is passed over. Throws when there is none. */
function usable(set: unknown): JSONWebKeySet {
  const given = (set as { keys?: unknown } | null)?.keys;
  if (!Array.isArray(given) || given.length > maxKeys) throw new Error('no JWK set');
  const keys = (given as JWK[]).filter((jwk) => {
    if (typeof jwk !== 'object' || jwk === null || jwk.kty === 'oct' || jwk.d !== undefined) return false;
    if (jwk.use !== undefined && jwk.use !== 'sig') return false;
    try {
      const { asymmetricKeyType, asymmetricKeyDetails } = createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' });
      return asymmetricKeyType !== 'rsa' || (asymmetricKeyDetails?.modulusLength ?? 0) >= 2_048;
    } catch {
      return false;
    }
  });
  if (keys.length === 0) throw new Error('no usable key');
  return { keys };
}
