// Where revocations of tokens are kept: the store, with a copy in a file, so that they hold while it is away.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { Store } from '../platform/store/store.ts';
import type { Revocation, RevocationRepository } from './gateway/tokens/revocations.ts';

/** `snapshot` is the path of the copy. */
export function createTokenRepository({ db }: Pick<Store, 'db'>, snapshot: string): RevocationRepository {
  async function put({ kind, value, at }: Revocation): Promise<void> {
    await db
      .insertInto('revoked_tokens')
      .values({ kind, value, revoked_at: at })
      .onConflict((conflict) => conflict.columns(['kind', 'value']).doUpdateSet({ revoked_at: at }))
      .execute();
  }

  async function load(): Promise<readonly Revocation[]> {
    const rows = await db.selectFrom('revoked_tokens').selectAll().execute();
    const stored = rows.map(
      ({ kind, value, revoked_at }): Revocation => ({
        kind: kind === 'jti' ? 'jti' : 'subject',
        value,
        at: Number(revoked_at),
      }),
    );
    // What was revoked while the store was away is only in the copy: it reaches the store now.
    const missing = readSnapshot(snapshot).filter(
      (one) => !stored.some((other) => other.kind === one.kind && other.value === one.value && other.at >= one.at),
    );
    for (const revocation of missing) await put(revocation);
    const all = [...stored, ...missing];
    writeSnapshot(snapshot, all);
    return all;
  }

  return {
    load: () => load().catch(() => readSnapshot(snapshot)),
    async insert(revocation) {
      writeSnapshot(snapshot, [...readSnapshot(snapshot), revocation]);
      await put(revocation);
    },
  };
}

function readSnapshot(path: string): Revocation[] {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Revocation[];
  } catch {
    return [];
  }
}

function writeSnapshot(path: string, revocations: readonly Revocation[]): void {
  const text = JSON.stringify(revocations);
  if (text === JSON.stringify(readSnapshot(path))) return;
  writeFileSync(`${path}.new`, text, { mode: 0o600, flush: true });
  renameSync(`${path}.new`, path);
}
