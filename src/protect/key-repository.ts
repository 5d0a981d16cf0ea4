// Where the API keys are kept: the store, with a copy of their hashes in a file, so that they work while it is away.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { Store } from '../platform/store/store.ts';
import type { ApiKeyRow } from '../platform/store/tables.ts';
import type { Role } from './gateway/ask.ts';
import type { KeyRecord, KeyRepository } from './gateway/keys.ts';

/** `snapshot` is the path of the copy. */
export function createKeyRepository({ db }: Pick<Store, 'db'>, snapshot: string): KeyRepository {
  async function load(): Promise<readonly KeyRecord[]> {
    const rows = await db.selectFrom('api_keys').selectAll().orderBy('created_at').execute();
    const records = rows.map(toRecord);
    writeFileSync(`${snapshot}.new`, JSON.stringify(records), { mode: 0o600, flush: true });
    renameSync(`${snapshot}.new`, snapshot);
    return records;
  }
  return {
    async load() {
      try {
        return await load();
      } catch (error) {
        const records = readSnapshot(snapshot);
        if (records === undefined) throw error;
        return records;
      }
    },
    async insert({ id, hash, subject, role, createdAt, expiresAt }) {
      await db
        .insertInto('api_keys')
        .values({
          id,
          prefix: id,
          hash,
          subject,
          role,
          created_at: createdAt,
          expires_at: expiresAt ?? null,
          revoked_at: null,
        })
        .execute();
      await load();
    },
    async revoke(id, at) {
      await db
        .updateTable('api_keys')
        .set({ revoked_at: at })
        .where('id', '=', id)
        .where('revoked_at', 'is', null)
        .execute();
      await load();
    },
  };
}

function readSnapshot(path: string): KeyRecord[] | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as KeyRecord[];
  } catch {
    return undefined;
  }
}

function toRecord(row: ApiKeyRow): KeyRecord {
  return {
    id: row.id,
    hash: row.hash,
    subject: row.subject,
    role: row.role as Role,
    createdAt: Number(row.created_at),
    ...(row.expires_at === null ? {} : { expiresAt: Number(row.expires_at) }),
    ...(row.revoked_at === null ? {} : { revokedAt: Number(row.revoked_at) }),
  };
}
