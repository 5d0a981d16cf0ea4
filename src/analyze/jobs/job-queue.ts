// The queue of jobs over the store: each step is one statement, so that no two nodes ever hold the same job.
import { type Selectable, sql } from 'kysely';
import type { Store } from '../../platform/store/store.ts';
import type { AnalysisJobRow } from '../../platform/store/tables.ts';
import { type Job, type JobOrder, type JobState, type JobStatistics, jobId, mostAttempts } from './job.ts';

/** What a node holds: an older attempt, even of the same node, has no say any more. */
export type Held = Pick<Job, 'id' | 'attempts'> & { node: string };

export interface JobQueue {
  /** `added` is false where the same job waits, runs or is done already; one that failed or was cancelled begins anew. */
  add(order: JobOrder): Promise<{ job: Job; added: boolean }>;
  list(): Promise<Job[]>;
  find(id: string): Promise<Job | null>;
  /** True when it was waiting or running. */
  cancel(id: string): Promise<boolean>;
  /** The job that is this node's until the lease ends, or null when there is none to take. */
  claim(node: string, leaseMs: number): Promise<Job | null>;
  /** These all answer false when the job is no longer this attempt's: taken over or cancelled. */
  renew(held: Held, leaseMs: number): Promise<boolean>;
  finish(held: Held, report: string, statistics: JobStatistics): Promise<boolean>;
  /** Waits again after a pause, or has failed for good. */
  fail(held: Held, code: string, pauseMs: number): Promise<boolean>;
  /** Gives it back untried, for a node that is told to stop. */
  release(held: Held): Promise<boolean>;
}

const active: readonly JobState[] = ['waiting', 'running'];

export function createJobQueue({ db, kind }: Pick<Store, 'db' | 'kind'>, clock: () => number = Date.now): JobQueue {
  // Nodes' clocks differ: the one of the server that they share decides when a lease ends.
  const now = () =>
    kind === 'postgres'
      ? sql<number>`(extract(epoch from clock_timestamp()) * 1000)::bigint`
      : sql<number>`${Math.trunc(clock())}`;
  const later = (ms: number) => sql<number>`${now()} + ${ms}`;
  const held = ({ id, node, attempts }: Held) =>
    db
      .updateTable('analysis_jobs')
      .where('id', '=', id)
      .where('state', '=', 'running')
      .where('node', '=', node)
      .where('attempts', '=', attempts);
  const find = async (id: string): Promise<Job | null> => {
    const row = await db.selectFrom('analysis_jobs').selectAll().where('id', '=', id).executeTakeFirst();
    return row === undefined ? null : jobOf(row);
  };

  return {
    find,
    async add(order) {
      const id = jobId(order);
      const begun = { state: 'waiting', attempts: 0, node: null, code: null, report: null, statistics: null };
      const fresh = { ...begun, path: order.path, free_at: now(), heartbeat_at: null, ended_at: null };
      const { numInsertedOrUpdatedRows: changed } = await db
        .insertInto('analysis_jobs')
        .values({
          ...fresh,
          id,
          content_hash: order.contentHash,
          formats: order.formats.join(','),
          lang: order.lang,
          engine: order.engine,
          created_at: now(),
        })
        .onConflict((conflict) =>
          conflict.column('id').doUpdateSet(fresh).where('analysis_jobs.state', 'in', ['failed', 'cancelled']),
        )
        .executeTakeFirst();
      const job = await find(id);
      if (job === null) throw new Error(`no row for ${id}`);
      return { job, added: (changed ?? 0n) > 0n };
    },
    async list() {
      const rows = db.selectFrom('analysis_jobs').selectAll().orderBy('created_at').orderBy('id');
      return (await rows.execute()).map(jobOf);
    },
    async cancel(id) {
      const cancelled = db
        .updateTable('analysis_jobs')
        .set({ state: 'cancelled', ended_at: now() })
        .where('id', '=', id)
        .where('state', 'in', active);
      return changedOne(await cancelled.executeTakeFirst());
    },
    async claim(node, leaseMs) {
      // Its nodes died each time without a word: it would take every other one down as well.
      await db
        .updateTable('analysis_jobs')
        .set({ state: 'failed', code: 'ERR_JOB_ABANDONED', ended_at: now() })
        .where('state', '=', 'running')
        .where('free_at', '<=', now())
        .where('attempts', '>=', mostAttempts)
        .execute();
      const free = db
        .selectFrom('analysis_jobs')
        .select('id')
        .where('state', 'in', active)
        .where('free_at', '<=', now())
        .orderBy('attempts')
        .orderBy('created_at')
        .orderBy('id')
        .limit(1);
      const row = await db
        .updateTable('analysis_jobs')
        .set({ state: 'running', node, free_at: later(leaseMs), heartbeat_at: now(), attempts: sql`attempts + 1` })
        .where('id', '=', kind === 'postgres' ? free.forUpdate().skipLocked() : free)
        .returningAll()
        .executeTakeFirst();
      return row === undefined ? null : jobOf(row);
    },
    async renew(one, leaseMs) {
      return changedOne(
        await held(one)
          .set({ free_at: later(leaseMs), heartbeat_at: now() })
          .executeTakeFirst(),
      );
    },
    async finish(one, report, statistics) {
      const end = { state: 'done', code: null, report, statistics: JSON.stringify(statistics), ended_at: now() };
      return changedOne(await held(one).set(end).executeTakeFirst());
    },
    async fail(one, code, pauseMs) {
      const end =
        one.attempts >= mostAttempts
          ? { state: 'failed', code, ended_at: now() }
          : { state: 'waiting', code, node: null, free_at: later(pauseMs) };
      return changedOne(await held(one).set(end).executeTakeFirst());
    },
    async release(one) {
      const end = { state: 'waiting', node: null, free_at: now(), attempts: one.attempts - 1 };
      return changedOne(await held(one).set(end).executeTakeFirst());
    },
  };
}

function changedOne({ numUpdatedRows }: { numUpdatedRows: bigint }): boolean {
  return numUpdatedRows === 1n;
}

function jobOf(row: Selectable<AnalysisJobRow>): Job {
  const { id, path, attempts, engine, code, report, node } = row;
  const state = row.state as JobState;
  return {
    id,
    state,
    path,
    contentHash: row.content_hash,
    formats: row.formats.split(',') as Job['formats'][number][],
    lang: row.lang as Job['lang'],
    engine,
    attempts,
    createdAt: row.created_at,
    endedAt: row.ended_at,
    lease:
      state === 'running' && node !== null ? { node, heartbeatAt: row.heartbeat_at ?? 0, until: row.free_at } : null,
    code,
    report,
    statistics: row.statistics === null ? null : (JSON.parse(row.statistics) as JobStatistics),
  };
}
