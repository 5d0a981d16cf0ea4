// Where the API keys are kept: the store, with a copy of their hashes in a file, so that they work while it is away.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { Store } from '../platform/store/store.ts';
import type { ApiKeyRow } from '../platform/store/tables.ts';
import type { Role } from './gateway/ask.ts';
import { isConfigured, type KeyRecord, type KeyRepository } from './gateway/keys.ts';

/** `snapshot` is the path of the copy. */
export function createKeyRepository({ db }: Pick<Store, 'db'>, snapshot: string): KeyRepository {
  async function load(): Promise<readonly KeyRecord[]> {
    const rows = await db.selectFrom('api_keys').selectAll().orderBy('created_at').execute();
    // What was revoked while the store was away is only in the copy: it reaches the store now.
    const copy = readSnapshot(snapshot) ?? [];
    const revoked = new Map(copy.map(({ id, revokedAt }) => [id, revokedAt]));
    for (const row of rows) {
      const at = revoked.get(row.id);
      if (row.revoked_at !== null || at === undefined) continue;
      await setRevoked(row.id, at);
      row.revoked_at = at;
    }
    const known = new Set(rows.map(({ id }) => id));
    const unknown = copy.filter(({ id }) => isConfigured(id) && !known.has(id));
    for (const record of unknown) await insertRow(record);
    const records = [...rows.map(toRecord), ...unknown];
    writeSnapshot(snapshot, records);
    return records;
  }

  async function insertRow(record: KeyRecord): Promise<void> {
    const { id, hash, subject, role, scopes, replaces, createdAt, expiresAt, revokedAt } = record;
    const row = db.insertInto('api_keys').values({
      id,
      prefix: id,
      hash,
      subject,
      role,
      created_at: createdAt,
      expires_at: expiresAt ?? null,
      revoked_at: revokedAt ?? null,
      models: joined(scopes?.models),
      routes: joined(scopes?.routes),
      replaces: replaces ?? null,
    });
    // Another node may have brought the same one there.
    await (isConfigured(id) ? row.onConflict((conflict) => conflict.column('id').doNothing()) : row).execute();
  }

  async function setRevoked(id: string, at: number): Promise<void> {
    await db
      .updateTable('api_keys')
      .set({ revoked_at: at })
      .where('id', '=', id)
      .where('revoked_at', 'is', null)
      .execute();
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
    async insert(record) {
      // One that is over already is kept for that alone, which must hold while the store is away too.
      if (record.revokedAt !== undefined) writeSnapshot(snapshot, [...(readSnapshot(snapshot) ?? []), record]);
      await insertRow(record);
      await load();
    },
    async revoke(id, at) {
      const known = readSnapshot(snapshot) ?? [];
      writeSnapshot(
        snapshot,
        known.map((record) => (record.id === id ? { ...record, revokedAt: at } : record)),
      );
      await setRevoked(id, at);
    },
    async expire(id, at) {
      await db.updateTable('api_keys').set({ expires_at: at }).where('id', '=', id).execute();
      await load();
    },
  };
}

/** A pattern of a route may hold a space, so lines separate them. */
function joined(patterns: readonly string[] | undefined): string | null {
  return patterns === undefined ? null : patterns.join('\n');
}

function split(column: string | null): readonly string[] | undefined {
  return column === null ? undefined : column.split('\n').filter((pattern) => pattern !== '');
}

function readSnapshot(path: string): KeyRecord[] | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as KeyRecord[];
  } catch {
    return undefined;
  }
}

function writeSnapshot(path: string, records: readonly KeyRecord[]): void {
  const text = JSON.stringify(records);
  // Read every few seconds, changed seldom.
  if (text === JSON.stringify(readSnapshot(path))) return;
  writeFileSync(`${path}.new`, text, { mode: 0o600, flush: true });
  renameSync(`${path}.new`, path);
}

function toRecord(row: ApiKeyRow): KeyRecord {
  const models = split(row.models);
  const routes = split(row.routes);
  const scopes = {
    ...(models === undefined ? {} : { models }),
    ...(routes === undefined ? {} : { routes }),
  };
  return {
    id: row.id,
    hash: row.hash,
    subject: row.subject,
    role: row.role as Role,
    ...(models === undefined && routes === undefined ? {} : { scopes }),
    ...(row.replaces === null ? {} : { replaces: row.replaces }),
    createdAt: Number(row.created_at),
    ...(row.expires_at === null ? {} : { expiresAt: Number(row.expires_at) }),
    ...(row.revoked_at === null ? {} : { revokedAt: Number(row.revoked_at) }),
  };
}
