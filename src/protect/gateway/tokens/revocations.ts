// Tokens that no longer count: by their id, or all that a subject was given until a moment. Known to every thread at once.
import type { RevokedSet } from '../keys.ts';

export type Revocation = {
  /** Milliseconds since the epoch. */
  at: number;
} & ({ kind: 'jti'; value: string } | { kind: 'subject'; value: string });

export interface RevocationRepository {
  load(): Promise<readonly Revocation[]>;
  insert(revocation: Revocation): Promise<void>;
}

export interface Revocations {
  isRevoked(token: { jti?: string | undefined; subject: string; issuedAt: number }): boolean;
  /** Takes effect at once, even when storing it fails, which rejects. */
  revoke(revocation: Revocation): Promise<void>;
  /** Told by another thread, which has stored it. */
  learn(revocation: Revocation): void;
  /** Takes the store's over; false when it is away. */
  refresh(): Promise<boolean>;
  list(): readonly Revocation[];
  /** Calls back when there is one more. Returns what ends that. */
  onMore(listener: () => void): () => void;
}

export interface RevocationsParts {
  now: () => number;
  repository: RevocationRepository;
  /** What all threads see. */
  revoked?: RevokedSet;
  onChange?: (revocation: Revocation) => void;
}

export function createRevocations({ now, repository, revoked, onChange = () => {} }: RevocationsParts): Revocations {
  const known = new Map<string, Revocation>();
  const listeners = new Set<() => void>();

  function learn(revocation: Revocation): void {
    const entry = entryOf(revocation);
    const before = known.get(entry);
    if (before !== undefined && before.at >= revocation.at) return;
    known.set(entry, revocation);
    for (const listener of [...listeners]) listener();
  }

  function momentOf(entry: string): number | undefined {
    // Another thread revoked it a moment ago and the word has not come yet: all of them, until it has.
    return known.get(entry)?.at ?? (revoked?.has(entry, now()) === true ? Infinity : undefined);
  }

  return {
    isRevoked({ jti, subject, issuedAt }) {
      if (jti !== undefined && momentOf(entryOf({ kind: 'jti', value: jti })) !== undefined) return true;
      const until = momentOf(entryOf({ kind: 'subject', value: subject }));
      // `iat` counts in whole seconds, so a token of the same second is taken for an earlier one.
      return until !== undefined && issuedAt <= until;
    },
    async revoke(revocation) {
      learn(revocation);
      revoked?.add(entryOf(revocation), revocation.at);
      onChange(revocation);
      await repository.insert(revocation);
    },
    learn,
    async refresh() {
      try {
        for (const revocation of await repository.load()) learn(revocation);
        return true;
      } catch {
        return false;
      }
    },
    list: () => [...known.values()],
    onMore(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

function entryOf({ kind, value }: Pick<Revocation, 'kind' | 'value'>): string {
  return `${kind} ${value}`;
}
