// The API keys that open the gateway: made once, stored as hashes, found in memory, so that they work while the store is away.
import { hash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Role } from './ask.ts';

/** What is stored of a key. The secret itself is shown once, when it is made. */
export interface KeyRecord {
  /** Public: fit for lists and the journal. */
  id: string;
  /** Hex SHA-256 of the whole key: enough for 256 random bits, where a password would need a slow hash. */
  hash: string;
  subject: string;
  role: Role;
  /** Milliseconds since the epoch, as all times here. */
  createdAt: number;
  expiresAt?: number;
  revokedAt?: number;
}

/** Where keys are kept; may reject while the store is away. */
export interface KeyRepository {
  load(): Promise<readonly KeyRecord[]>;
  insert(record: KeyRecord): Promise<void>;
  revoke(id: string, at: number): Promise<void>;
}

/** A key from the configuration, of any form. */
export interface GivenKey {
  key: string;
  subject: string;
  role: Role;
}

export type FoundKey =
  | { kind: 'accepted'; record: KeyRecord }
  | { kind: 'unknown' }
  | { kind: 'expired'; id: string }
  | { kind: 'revoked'; id: string };

export interface NewKey {
  subject: string;
  role: Role;
  expiresAt?: number;
}

export interface Keys {
  find(secret: string): FoundKey;
  /** Returns the secret, which nothing keeps. Rejects when it could not be stored; then the key does not exist. */
  create(key: NewKey): Promise<{ secret: string; record: KeyRecord }>;
  /** Takes effect here at once, even when storing it fails, which rejects. False: there is no such key. */
  revoke(id: string): Promise<boolean>;
  list(): readonly KeyRecord[];
  /** Takes the store's keys over; when it is away the last ones stay, and false is returned. */
  refresh(): Promise<boolean>;
}

export interface KeysParts {
  now: () => number;
  repository: KeyRepository;
  given?: readonly GivenKey[];
}

export function createKeys({ now, repository, given = [] }: KeysParts): Keys {
  const fromConfig = given.map(({ key, subject, role }) => {
    const digest = sha256(key);
    // The id tells two keys apart and nothing about the key: it is of the hash's hash.
    return { id: `cfg_${sha256(digest).slice(0, 10)}`, hash: digest, subject, role, createdAt: now() };
  });
  let byHash = index(fromConfig);
  const revokedHere = new Map<string, number>();

  function adopt(records: readonly KeyRecord[]): void {
    byHash = index([
      ...records.map((record) => {
        const revokedAt = record.revokedAt ?? revokedHere.get(record.id);
        return revokedAt === undefined ? record : { ...record, revokedAt };
      }),
      ...fromConfig.map((record) => byHash.get(record.hash) ?? record),
    ]);
  }

  return {
    find(secret) {
      const digest = sha256(secret);
      const record = byHash.get(digest);
      if (record === undefined || !sameHash(record.hash, digest)) return { kind: 'unknown' };
      if (record.revokedAt !== undefined) return { kind: 'revoked', id: record.id };
      if (record.expiresAt !== undefined && record.expiresAt <= now()) return { kind: 'expired', id: record.id };
      return { kind: 'accepted', record };
    },
    async create({ subject, role, expiresAt }) {
      const id = `rmp_${randomText(10)}`;
      const secret = `${id}_${randomBytes(32).toString('base64url')}`;
      const record: KeyRecord = {
        id,
        hash: sha256(secret),
        subject,
        role,
        createdAt: now(),
        ...(expiresAt === undefined ? {} : { expiresAt }),
      };
      await repository.insert(record);
      byHash.set(record.hash, record);
      return { secret, record };
    },
    async revoke(id) {
      const record = [...byHash.values()].find((entry) => entry.id === id);
      if (record === undefined) return false;
      const at = now();
      revokedHere.set(id, at);
      byHash.set(record.hash, { ...record, revokedAt: at });
      if (!id.startsWith('cfg_')) await repository.revoke(id, at);
      return true;
    },
    list: () => [...byHash.values()],
    async refresh() {
      try {
        adopt(await repository.load());
        return true;
      } catch {
        return false;
      }
    },
  };
}

function index(records: readonly KeyRecord[]): Map<string, KeyRecord> {
  return new Map(records.map((record) => [record.hash, record]));
}

function sha256(value: string): string {
  return hash('sha256', value, 'hex');
}

/** The map already compared hashes, of which an attacker controls no prefix; this one adds no timing of its own. */
function sameHash(a: string, b: string): boolean {
  return timingSafeEqual(Buffer.from(a, 'hex'), Buffer.from(b, 'hex'));
}

/** Letters and digits only, so that the public part can be selected with a double click. */
function randomText(length: number): string {
  const alphabet = 'abcdefghijkmnpqrstuvwxyz23456789';
  return Array.from(randomBytes(length), (byte) => alphabet[byte % alphabet.length]).join('');
}
