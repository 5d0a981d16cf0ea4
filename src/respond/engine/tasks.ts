// Questions to people, kept in the store before they are asked: approvals, work by hand, and what a crash left unknown.
import type { Selectable } from 'kysely';
import { RempartError } from '../../platform/base/errors.ts';
import type { JsonObject } from '../../platform/base/json.ts';
import type { Store } from '../../platform/store/store.ts';
import type { RespondTaskRow } from '../../platform/store/tables.ts';
import type { Decision, Task, Tasks } from './durable.ts';

/** Another node may have taken the decision, so the store is looked at this often. */
const lookEveryMs = 250;

export function createTasks({ db }: Pick<Store, 'db'>, now: () => number = Date.now): Tasks {
  const find = async (id: string): Promise<Task | null> => {
    const row = await db.selectFrom('respond_tasks').selectAll().where('id', '=', id).executeTakeFirst();
    if (row === undefined) return null;
    const task = taskOf(row);
    if (task.state !== 'open' || task.expiresAt === null || now() < task.expiresAt) return task;
    await db
      .updateTable('respond_tasks')
      .set({ state: 'expired' })
      .where('id', '=', id)
      .where('state', '=', 'open')
      .execute();
    return find(id);
  };

  return {
    find,
    ask: (task) =>
      whileThere(async () => {
        await db
          .insertInto('respond_tasks')
          .values({
            id: task.id,
            run: task.run,
            incident: task.incident,
            step: task.step,
            kind: task.kind,
            about: JSON.stringify(task.about),
            plan_hash: task.planHash,
            quorum: task.quorum,
            requested_by: task.requestedBy,
            asked_at: now(),
            expires_at: task.expiresAt,
            on_timeout: task.onTimeout,
            state: 'open',
            decisions: '[]',
          })
          .onConflict((conflict) => conflict.column('id').doNothing())
          .execute();
        return (await find(task.id))!;
      }),
    async list({ run, incident, state } = {}) {
      let rows = db.selectFrom('respond_tasks').select('id').orderBy('asked_at').orderBy('id');
      if (run !== undefined) rows = rows.where('run', '=', run);
      if (incident !== undefined) rows = rows.where('incident', '=', incident);
      // What is over stays over: only an open one has to be looked at for its deadline.
      if (state !== undefined) rows = rows.where('state', 'in', [state, 'open']);
      const all = await Promise.all((await rows.execute()).map(({ id }) => find(id)));
      return all.filter((task) => task !== null && (state === undefined || task.state === state)) as Task[];
    },
    async decide(id, { by, grant, values, planHash }) {
      for (;;) {
        const task = await find(id);
        if (task === null) throw new RempartError('ERR_TASK_UNKNOWN', { task: id });
        if (task.state !== 'open') throw new RempartError('ERR_TASK_OVER', { task: id, state: task.state });
        if (task.kind === 'approval' && by === task.requestedBy) throw new RempartError('ERR_TASK_OWN', { task: id });
        if (planHash !== undefined && planHash !== task.planHash) throw new RempartError('ERR_TASK_PLAN', { task: id });
        const others = task.decisions.filter((decision) => decision.by !== by);
        const decision: Decision = { by, grant, at: now(), ...(values === undefined ? {} : { values }) };
        const decisions = [...others, decision];
        const granted = decisions.filter((one) => one.grant).length >= task.quorum;
        const { numUpdatedRows } = await db
          .updateTable('respond_tasks')
          .set({ decisions: JSON.stringify(decisions), state: grant ? (granted ? 'granted' : 'open') : 'denied' })
          .where('id', '=', id)
          .where('state', '=', 'open')
          // Two who decide at once: the second one reads the first one's decision before it adds its own.
          .where('decisions', '=', JSON.stringify(task.decisions))
          .executeTakeFirst();
        if (numUpdatedRows === 1n) return (await find(id))!;
      }
    },
    async settled(id, signal) {
      for (;;) {
        signal.throwIfAborted();
        const task = await whileThere(() => find(id), signal);
        if (task === null) throw new RempartError('ERR_TASK_UNKNOWN', { task: id });
        if (task.state !== 'open') return task;
        const left = task.expiresAt === null ? lookEveryMs : Math.max(0, task.expiresAt - now());
        await pause(Math.min(lookEveryMs, left), signal);
      }
    },
  };
}

/** A store that is away for a while is waited for: a question is not denied by it. */
async function whileThere<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof RempartError) || error.code !== 'ERR_STORE_AWAY') throw error;
      await pause(lookEveryMs, signal ?? new AbortController().signal);
    }
  }
}

/** Rejects with the signal's reason. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const ended = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', ended);
      resolve();
    }, ms);
    if (signal.aborted) ended();
    else signal.addEventListener('abort', ended, { once: true });
  });
}

function taskOf(row: Selectable<RespondTaskRow>): Task {
  return {
    id: row.id,
    run: row.run,
    incident: row.incident,
    step: row.step,
    kind: row.kind as Task['kind'],
    about: JSON.parse(row.about) as JsonObject,
    planHash: row.plan_hash,
    quorum: row.quorum,
    requestedBy: row.requested_by,
    askedAt: row.asked_at,
    expiresAt: row.expires_at,
    onTimeout: row.on_timeout as Task['onTimeout'],
    state: row.state as Task['state'],
    decisions: JSON.parse(row.decisions) as Decision[],
  };
}
