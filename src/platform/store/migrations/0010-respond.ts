// Incidents, runs of playbooks with what they remember, and the questions they ask people.
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  const { schema } = db;
  await schema
    .createTable('incidents')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('type', 'text', (column) => column.notNull())
    .addColumn('level', 'integer', (column) => column.notNull())
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('dedup_key', 'text', (column) => column.notNull())
    .addColumn('detected_at', 'bigint', (column) => column.notNull())
    .addColumn('version', 'integer', (column) => column.notNull())
    .addColumn('document', 'text', (column) => column.notNull())
    .execute();
  // One open incident for one thing: two detectors, or two nodes, that see it at once meet here.
  await sql`create unique index incidents_open on incidents (dedup_key) where status not in ('resolved', 'closed')`.execute(
    db,
  );
  await schema
    .createTable('respond_runs')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('playbook', 'text', (column) => column.notNull())
    .addColumn('playbook_name', 'text', (column) => column.notNull())
    .addColumn('playbook_hash', 'text', (column) => column.notNull())
    .addColumn('playbook_text', 'text', (column) => column.notNull())
    .addColumn('incident', 'text')
    .addColumn('given', 'text', (column) => column.notNull())
    .addColumn('requested_by', 'text', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('code', 'text')
    .addColumn('node', 'text')
    .addColumn('epoch', 'integer', (column) => column.notNull())
    .addColumn('free_at', 'bigint', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('ended_at', 'bigint')
    .execute();
  await schema.createIndex('respond_runs_to_take').on('respond_runs').columns(['state', 'free_at']).execute();
  // One writer per incident.
  await sql`create unique index respond_runs_one on respond_runs (incident) where state = 'running'`.execute(db);
  await schema
    .createTable('respond_memory')
    .addColumn('run', 'text', (column) => column.notNull())
    .addColumn('key', 'text', (column) => column.notNull())
    .addColumn('position', 'integer', (column) => column.notNull())
    .addColumn('value', 'text', (column) => column.notNull())
    .addColumn('at', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('respond_memory_key', ['run', 'key'])
    .execute();
  await schema
    .createTable('respond_tasks')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('run', 'text', (column) => column.notNull())
    .addColumn('incident', 'text')
    .addColumn('step', 'text', (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('about', 'text', (column) => column.notNull())
    .addColumn('plan_hash', 'text')
    .addColumn('quorum', 'integer', (column) => column.notNull())
    .addColumn('requested_by', 'text', (column) => column.notNull())
    .addColumn('asked_at', 'bigint', (column) => column.notNull())
    .addColumn('expires_at', 'bigint')
    .addColumn('on_timeout', 'text', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('decisions', 'text', (column) => column.notNull())
    .execute();
  await schema
    .createTable('respond_undos')
    .addColumn('run', 'text', (column) => column.notNull())
    .addColumn('key', 'text', (column) => column.notNull())
    .addColumn('due_at', 'bigint', (column) => column.notNull())
    .addColumn('done_at', 'bigint')
    .addPrimaryKeyConstraint('respond_undos_key', ['run', 'key'])
    .execute();
}
