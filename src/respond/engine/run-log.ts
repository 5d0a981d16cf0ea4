// Runs over the store, on SQLite and on PostgreSQL alike: each step is one statement, and only the present holder's statements take effect.
import { type Selectable, sql } from 'kysely';
import type { Json } from '../../platform/base/json.ts';
import { isAlreadyThere, type Store } from '../../platform/store/store.ts';
import type { RespondRunRow } from '../../platform/store/tables.ts';
import { type HeldRun, RunInterrupted, type RunLog, type RunRecord, type RunState } from './durable.ts';

const active: readonly RunState[] = ['waiting', 'running'];

export function createRunLog({ db, kind }: Pick<Store, 'db' | 'kind'>, clock: () => number = Date.now): RunLog {
  // Nodes' clocks differ: the one of the server that they share decides when a lease ends.
  const now = () =>
    kind === 'postgres'
      ? sql<number>`(extract(epoch from clock_timestamp()) * 1000)::bigint`
      : sql<number>`${Math.trunc(clock())}`;
  const later = (ms: number) => sql<number>`${now()} + ${ms}`;

  async function memory(id: string) {
    const rows = await db
      .selectFrom('respond_memory')
      .select(['key', 'value', 'at'])
      .where('run', '=', id)
      .orderBy('position')
      .execute();
    return rows.map(({ key, value, at }) => ({ key, value: JSON.parse(value) as Json, at }));
  }

  /** Read after the claim was committed: what the holder before wrote is there, and it can write no more. */
  async function hold(row: Selectable<RespondRunRow>): Promise<HeldRun> {
    const record = recordOf(row);
    const known = await memory(record.id);
    const byKey = new Map(known.map(({ key, value }) => [key, value]));
    return {
      record,
      recall: (key) => byKey.get(key),
      memory: () => known,
      async remember(key, value) {
        if (byKey.has(key)) throw new Error(`${key} is remembered already`);
        const at = clock();
        const own = db
          .selectFrom('respond_runs')
          .select([
            'id as run',
            sql<string>`${key}`.as('key'),
            sql<number>`${known.length}`.as('position'),
            sql<string>`${JSON.stringify(value)}`.as('value'),
            sql<number>`${Math.trunc(at)}`.as('at'),
          ])
          .where('id', '=', record.id)
          .where('state', '=', 'running')
          .where('node', '=', record.node)
          .where('epoch', '=', record.epoch);
        // Its place in the order is taken before the statement runs, since branches remember side by side.
        known.push({ key, value, at });
        byKey.set(key, value);
        const insert = db
          .insertInto('respond_memory')
          .columns(['run', 'key', 'position', 'value', 'at'])
          // A new holder's claim waits for this, and reads it.
          .expression(kind === 'postgres' ? own.forShare() : own);
        const { numInsertedOrUpdatedRows: inserted } = await insert.executeTakeFirst().catch((error: unknown) => {
          throw new RunInterrupted('the store could not take it', { cause: error });
        });
        if ((inserted ?? 0n) !== 1n) throw new RunInterrupted('the run is held elsewhere, or over');
      },
    };
  }

  const mine = ({ record }: HeldRun) =>
    db
      .updateTable('respond_runs')
      .where('id', '=', record.id)
      .where('state', '=', 'running')
      .where('node', '=', record.node)
      .where('epoch', '=', record.epoch);
  const taking = (node: string, leaseMs: number) =>
    db
      .updateTable('respond_runs')
      .set({ state: 'running', node, free_at: later(leaseMs), epoch: sql`epoch + 1`, ended_at: null });

  return {
    memory,
    async create(run) {
      const row = {
        id: run.id,
        playbook: run.playbook,
        playbook_name: run.playbookName,
        playbook_hash: run.playbookHash,
        playbook_text: run.playbookText,
        incident: run.incident,
        given: JSON.stringify(run.given),
        requested_by: run.requestedBy,
        state: 'waiting',
        code: null,
        node: null,
        epoch: 0,
        free_at: 0,
        created_at: clock(),
        ended_at: null,
      };
      await db.insertInto('respond_runs').values(row).execute();
      return recordOf(row);
    },
    async claim(node, leaseMs) {
      const free = db
        .selectFrom('respond_runs')
        .select('id')
        .where('state', 'in', active)
        .where('free_at', '<=', now())
        // What a dead node left comes before what never began: the index lets one run of an incident be under way.
        .orderBy('state')
        .orderBy('created_at')
        .orderBy('id')
        .limit(1);
      const claimable = free.where(({ not, exists, selectFrom }) =>
        not(
          exists(
            selectFrom('respond_runs as other')
              .select('other.id')
              .where('other.state', '=', 'running')
              .whereRef('other.incident', '=', 'respond_runs.incident')
              .whereRef('other.id', '!=', 'respond_runs.id'),
          ),
        ),
      );
      const row = await unlessTaken(
        taking(node, leaseMs)
          .where('id', '=', kind === 'postgres' ? claimable.forUpdate().skipLocked() : claimable)
          .returningAll()
          .executeTakeFirst(),
      );
      return row === undefined ? null : hold(row);
    },
    async take(id, node, leaseMs) {
      const row = await unlessTaken(
        taking(node, leaseMs)
          .where('id', '=', id)
          .where(({ or, eb }) => or([eb('state', '!=', 'running'), eb('free_at', '<=', now()), eb('node', '=', node)]))
          .returningAll()
          .executeTakeFirst(),
      );
      return row === undefined ? null : hold(row);
    },
    renew: async (held, leaseMs) =>
      changedOne(
        await mine(held)
          .set({ free_at: later(leaseMs) })
          .executeTakeFirst(),
      ),
    end: async (held, state, code) =>
      changedOne(await mine(held).set({ state, code, ended_at: now() }).executeTakeFirst()),
    async release(held) {
      await mine(held).set({ state: 'waiting', node: null, free_at: now() }).execute();
    },
    cancel: async (id) =>
      changedOne(
        await db
          .updateTable('respond_runs')
          .set({ state: 'cancelled', ended_at: now() })
          .where('id', '=', id)
          .where('state', 'in', active)
          .executeTakeFirst(),
      ),
    async find(id) {
      const row = await db.selectFrom('respond_runs').selectAll().where('id', '=', id).executeTakeFirst();
      return row === undefined ? null : recordOf(row);
    },
    async list({ incident, states } = {}) {
      let rows = db.selectFrom('respond_runs').selectAll().orderBy('created_at').orderBy('id');
      if (incident !== undefined) rows = rows.where('incident', '=', incident);
      if (states !== undefined) rows = rows.where('state', 'in', states);
      return (await rows.execute()).map(recordOf);
    },
  };
}

/** Another run of the same incident was taken at the same moment: there is nothing to take now. */
async function unlessTaken<Row>(query: Promise<Row | undefined>): Promise<Row | undefined> {
  try {
    return await query;
  } catch (error) {
    if (isAlreadyThere(error)) return undefined;
    throw error;
  }
}

function changedOne({ numUpdatedRows }: { numUpdatedRows: bigint }): boolean {
  return numUpdatedRows === 1n;
}

function recordOf(row: Selectable<RespondRunRow>): RunRecord {
  return {
    id: row.id,
    playbook: row.playbook,
    playbookName: row.playbook_name,
    playbookHash: row.playbook_hash,
    playbookText: row.playbook_text,
    incident: row.incident,
    given: JSON.parse(row.given) as RunRecord['given'],
    requestedBy: row.requested_by,
    state: row.state as RunState,
    code: row.code,
    node: row.node,
    epoch: row.epoch,
    createdAt: row.created_at,
    endedAt: row.ended_at,
  };
}
