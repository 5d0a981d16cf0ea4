// SQLite work in a thread of its own, since each call holds its loop up: a copy through SQLite's backup API, a check of every page, a description.
import { backup, DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';

export type SqliteJob =
  | { do: 'copy'; from: string; to: string }
  /** Checks every page and says what tables there are. */
  | { do: 'check'; file: string }
  | { do: 'create'; file: string; sql: string };

export type SqliteResult = { ok: true; tables: Record<string, { columns: string[]; rows: number }> } | { ok: false };

async function work(job: SqliteJob): Promise<SqliteResult> {
  if (job.do === 'create') {
    const database = new DatabaseSync(job.file);
    database.exec(job.sql);
    database.close();
    return { ok: true, tables: {} };
  }
  const database = new DatabaseSync(job.do === 'copy' ? job.from : job.file, { readOnly: true });
  try {
    // A file that came from elsewhere runs nothing of its own.
    database.exec('PRAGMA trusted_schema = OFF');
    if (job.do === 'copy') {
      await backup(database, job.to, { rate: 1_000 });
      return { ok: true, tables: {} };
    }
    const found = database.prepare('PRAGMA integrity_check(1)').all() as { integrity_check: string }[];
    if (found.length !== 1 || found[0]?.integrity_check !== 'ok') return { ok: false };
    return { ok: true, tables: describe(database) };
  } finally {
    database.close();
  }
}

function describe(database: DatabaseSync): Record<string, { columns: string[]; rows: number }> {
  const names = database
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'")
    .all() as { name: string }[];
  return Object.fromEntries(
    names.map(({ name }) => {
      const quoted = `"${name.replaceAll('"', '""')}"`;
      const columns = database.prepare(`SELECT name FROM pragma_table_info(?)`).all(name) as { name: string }[];
      const [count] = database.prepare(`SELECT count(*) AS rows FROM ${quoted}`).all() as { rows: number }[];
      return [name, { columns: columns.map((column) => column.name), rows: count?.rows ?? 0 }];
    }),
  );
}

work(workerData as SqliteJob).then(
  (result) => parentPort?.postMessage(result),
  () => parentPort?.postMessage({ ok: false } satisfies SqliteResult),
);
