// The API keys that open the gateway: made once, stored as hashes, found in memory, so that they work while the store is away.
import { hash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { SharedSet } from '../../platform/shared/set.ts';
import type { Role } from './ask.ts';
import type { Scopes } from './scopes.ts';

/** What is stored of a key. The secret itself is shown once, when it is made. */
export interface KeyRecord {
  /** Public: fit for lists and the journal. */
  id: string;
  /** Hex SHA-256 of the whole key: enough for 256 random bits, where a password would need a slow hash. */
  hash: string;
  subject: string;
  role: Role;
  scopes?: Scopes;
  /** The id of the key that this one takes over from. */
  replaces?: string;
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
  /** Brings the end of a key forward. */
  expire(id: string, at: number): Promise<void>;
}

/** What all threads know at once: a key that was revoked on one opens nothing on any. */
export type RevokedSet = Pick<SharedSet, 'add' | 'has'>;

/** A key from the configuration, of any form. */
export interface GivenKey {
  key: string;
  subject: string;
  role: Role;
  scopes?: Scopes;
}

export type FoundKey =
  | { kind: 'accepted'; record: KeyRecord }
  | { kind: 'unknown' }
  | { kind: 'expired'; id: string }
  | { kind: 'revoked'; id: string };

export interface NewKey {
  subject: string;
  role: Role;
  scopes?: Scopes;
  expiresAt?: number;
}

export type Rotated =
  | { kind: 'rotated'; secret: string; record: KeyRecord; oldEndsAt: number }
  | { kind: 'unknown' }
  /** One of the configuration, or one that opens nothing any more. */
  | { kind: 'fixed' }
  | { kind: 'over' };

export interface Keys {
  find(secret: string): FoundKey;
  /** Returns the secret, which nothing keeps. Rejects when it could not be stored; then the key does not exist. */
  create(key: NewKey): Promise<{ secret: string; record: KeyRecord }>;
  /** A new secret for the same subject, role and scopes; the old one goes on for so long and no longer. */
  rotate(id: string, overlapMs: number): Promise<Rotated>;
  /** Takes effect here at once, even when storing it fails, which rejects. False: there is no such key. */
  revoke(id: string): Promise<boolean>;
  list(): readonly KeyRecord[];
  /** It was taken back: revoked, taken over from without an overlap, no longer stored. One whose own time came was not, nor one that the configuration names no more. */
  isTakenBack(id: string): boolean;
  /** Calls back when keys that opened were taken back. Returns what ends that. */
  onTakenBack(listener: () => void): () => void;
  /** The configuration's keys from now on; one that was revoked stays so. */
  give(given: readonly GivenKey[]): void;
  /** The stored keys, as another thread has them. */
  adopt(records: readonly KeyRecord[]): void;
  /** Takes the store's keys over; when it is away the last ones stay, and false is returned. */
  refresh(): Promise<boolean>;
}

export interface KeysParts {
  now: () => number;
  repository: KeyRepository;
  given?: readonly GivenKey[];
  revoked?: RevokedSet;
  /** Told of each change of the stored keys, so that other threads can take it over. */
  onChange?: () => void;
}

export function createKeys({ now, repository, given = [], revoked, onChange = () => {} }: KeysParts): Keys {
  const ofConfig = ({ key, subject, role, scopes }: GivenKey): KeyRecord => {
    const digest = sha256(key);
    // The id tells two keys apart and nothing about the key: it is of the hash's hash.
    return {
      id: `cfg_${sha256(digest).slice(0, 10)}`,
      hash: digest,
      subject,
      role,
      ...withScopes(scopes),
      createdAt: now(),
    };
  };
  let fromConfig = given.map(ofConfig);
  let byHash = index(fromConfig);
  const revokedHere = new Map<string, number>();
  /** Their end was brought forward to a moment that has come. */
  const endedEarly = new Set<string>();
  const listeners = new Set<() => void>();

  /** Takes these over in place of those before, and tells when one of those opens nothing any more. */
  function replace(next: Map<string, KeyRecord>): void {
    const before = byHash;
    byHash = next;
    let isAnyOver = false;
    for (const old of before.values()) {
      const { id, revokedAt, expiresAt } = old;
      const record = next.get(old.hash);
      if (revokedAt !== undefined || record === old) continue;
      const end = record?.expiresAt;
      if (end !== undefined && end !== expiresAt && end <= now()) endedEarly.add(id);
      if (record === undefined || record.revokedAt !== undefined || endedEarly.has(id)) isAnyOver = true;
    }
    if (isAnyOver) for (const listener of [...listeners]) listener();
  }

  const withRecord = (record: KeyRecord) => new Map(byHash).set(record.hash, record);

  /** What `byId` was made of: every call under way is looked up after a change, and not before. */
  let lookedUp: typeof byHash | undefined;
  let byId = new Map<string, KeyRecord>();
  function withId(id: string): KeyRecord | undefined {
    if (lookedUp !== byHash) byId = new Map([...byHash.values()].map((record) => [record.id, record]));
    lookedUp = byHash;
    return byId.get(id);
  }

  function withEnd(record: KeyRecord): KeyRecord {
    const revokedAt = record.revokedAt ?? revokedHere.get(record.id);
    return revokedAt === undefined ? record : { ...record, revokedAt };
  }

  function adopt(records: readonly KeyRecord[]): void {
    // Of the configuration's keys only those are stored that were revoked: the file still names them at the next start.
    for (const record of records) {
      if (!isConfigured(record.id) || record.revokedAt === undefined) continue;
      revokedHere.set(record.id, record.revokedAt);
      if (revoked?.has(revocation(record), now()) === false) revoked.add(revocation(record), record.revokedAt);
    }
    replace(
      index([
        ...records.filter(({ id }) => !isConfigured(id)).map(withEnd),
        ...fromConfig.map((record) => withEnd(byHash.get(record.hash) ?? record)),
      ]),
    );
  }

  async function store(key: NewKey & { replaces?: string }): Promise<{ secret: string; record: KeyRecord }> {
    const id = `rmp_${randomText(10)}`;
    const secret = `${id}_${randomBytes(32).toString('base64url')}`;
    const record: KeyRecord = {
      id,
      hash: sha256(secret),
      subject: key.subject,
      role: key.role,
      ...withScopes(key.scopes),
      ...(key.replaces === undefined ? {} : { replaces: key.replaces }),
      createdAt: now(),
      ...(key.expiresAt === undefined ? {} : { expiresAt: key.expiresAt }),
    };
    await repository.insert(record);
    byHash = withRecord(record);
    onChange();
    return { secret, record };
  }

  return {
    find(secret) {
      const digest = sha256(secret);
      const record = byHash.get(digest);
      if (record === undefined || !sameHash(record.hash, digest)) return { kind: 'unknown' };
      if (record.revokedAt !== undefined || revoked?.has(revocation(record), now()) === true)
        return { kind: 'revoked', id: record.id };
      if (record.expiresAt !== undefined && record.expiresAt <= now()) return { kind: 'expired', id: record.id };
      return { kind: 'accepted', record };
    },
    create: store,
    async rotate(id, overlapMs) {
      const old = withId(id);
      if (old === undefined) return { kind: 'unknown' };
      if (isConfigured(id)) return { kind: 'fixed' };
      if (old.revokedAt !== undefined || (old.expiresAt ?? Infinity) <= now()) return { kind: 'over' };
      const { subject, role, scopes, expiresAt } = old;
      const made = await store({
        subject,
        role,
        replaces: id,
        ...withScopes(scopes),
        // A key that was to last 90 days is followed by one that lasts 90 days.
        ...(expiresAt === undefined ? {} : { expiresAt: now() + expiresAt - old.createdAt }),
      });
      const oldEndsAt = Math.min(expiresAt ?? Infinity, now() + overlapMs);
      try {
        await repository.expire(id, oldEndsAt);
      } catch (error) {
        // Half a rotation is none: nobody holds the new secret yet.
        await this.revoke(made.record.id).catch(() => undefined);
        throw error;
      }
      replace(withRecord({ ...old, expiresAt: oldEndsAt }));
      onChange();
      return { kind: 'rotated', ...made, oldEndsAt };
    },
    async revoke(id) {
      const record = withId(id);
      if (record === undefined) return false;
      const at = now();
      revokedHere.set(id, at);
      revoked?.add(revocation(record), at);
      replace(withRecord({ ...record, revokedAt: at }));
      if (!isConfigured(id)) await repository.revoke(id, at);
      else if (record.revokedAt === undefined) await repository.insert({ ...record, revokedAt: at });
      onChange();
      return true;
    },
    list: () => [...byHash.values()],
    isTakenBack(id) {
      const record = withId(id);
      // What a new configuration no longer names ends with what it opened.
      if (record === undefined) return !isConfigured(id) || revokedHere.has(id);
      if (record.revokedAt !== undefined || endedEarly.has(id)) return true;
      return revoked?.has(revocation(record), now()) === true;
    },
    onTakenBack(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    give(next) {
      const stored = [...byHash.values()].filter(({ id }) => !isConfigured(id));
      fromConfig = next.map(ofConfig).map(withEnd);
      byHash = index([...stored, ...fromConfig]);
    },
    adopt,
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

/** One that the configuration gives. */
export function isConfigured(id: string): boolean {
  return id.startsWith('cfg_');
}

/** By its hash: ids of the configuration's keys are no secret, and two files may give one key. */
function revocation({ hash }: KeyRecord): string {
  return `key ${hash}`;
}

function withScopes(scopes: Scopes | undefined): { scopes?: Scopes } {
  return scopes === undefined || (scopes.models === undefined && scopes.routes === undefined) ? {} : { scopes };
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
