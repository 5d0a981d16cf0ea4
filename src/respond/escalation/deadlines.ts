// Points in time by which people must have done something: absolute, in the store, taken up by one node at a time.
import type { Selectable } from 'kysely';
import type { EscalationLevel } from '../../platform/documents/incident.ts';
import type { Store } from '../../platform/store/store.ts';
import type { RespondDeadlineRow } from '../../platform/store/tables.ts';

/** `acknowledge`, `remind`, `contain`, `phase-NAME`, `post-mortem`, `post-mortem-remind`. */
export type DeadlineKind = string;

export interface Deadline {
  id: string;
  incident: string;
  kind: DeadlineKind;
  level: EscalationLevel;
  dueAt: number;
  round: number;
  state: 'open' | 'over';
}

export interface Deadlines {
  /** One that is there already stays as it is. */
  add(deadline: Omit<Deadline, 'id' | 'round' | 'state'>): Promise<void>;
  of(incident: string): Promise<Deadline[]>;
  find(incident: string, kind: DeadlineKind): Promise<Deadline | null>;
  /** One that is due, for this node alone until the lease ends; the oldest first. */
  take(leaseMs: number): Promise<Deadline | null>;
  /** Puts it off, to the next round. False when it was changed meanwhile. */
  next(deadline: Deadline, change: { dueAt: number; level?: EscalationLevel }): Promise<boolean>;
  over(incident: string, kinds?: readonly DeadlineKind[]): Promise<void>;
  /** What a process that died held is free at once; only where no other node can hold it. */
  takeOver(): Promise<void>;
}

export const deadlineId = (incident: string, kind: DeadlineKind) => `${incident}/${kind}`;

export function createDeadlines({ db }: Pick<Store, 'db'>, now: () => number): Deadlines {
  const all = () => db.selectFrom('respond_deadlines').selectAll();
  return {
    async add({ incident, kind, level, dueAt }) {
      await db
        .insertInto('respond_deadlines')
        .values({
          id: deadlineId(incident, kind),
          incident,
          kind,
          level,
          due_at: Math.trunc(dueAt),
          round: 0,
          state: 'open',
          held_until: 0,
        })
        .onConflict((conflict) => conflict.column('id').doNothing())
        .execute();
    },
    async of(incident) {
      const rows = await all().where('incident', '=', incident).orderBy('due_at').orderBy('id').execute();
      return rows.map(deadlineOf);
    },
    async find(incident, kind) {
      const row = await all().where('id', '=', deadlineId(incident, kind)).executeTakeFirst();
      return row === undefined ? null : deadlineOf(row);
    },
    async take(leaseMs) {
      for (;;) {
        const row = await all()
          .where('state', '=', 'open')
          .where('due_at', '<=', now())
          .where('held_until', '<=', now())
          // What is only read by people has no work to be done when it is due.
          .where('kind', '!=', 'post-mortem')
          .orderBy('due_at')
          .executeTakeFirst();
        if (row === undefined) return null;
        const { numUpdatedRows } = await db
          .updateTable('respond_deadlines')
          .set({ held_until: now() + leaseMs })
          .where('id', '=', row.id)
          .where('state', '=', 'open')
          .where('round', '=', row.round)
          .where('held_until', '=', row.held_until)
          .executeTakeFirst();
        if (numUpdatedRows === 1n) return deadlineOf(row);
      }
    },
    async next({ id, round, level }, change) {
      const { numUpdatedRows } = await db
        .updateTable('respond_deadlines')
        .set({ due_at: Math.trunc(change.dueAt), level: change.level ?? level, round: round + 1, held_until: 0 })
        .where('id', '=', id)
        .where('state', '=', 'open')
        .where('round', '=', round)
        .executeTakeFirst();
      return numUpdatedRows === 1n;
    },
    async takeOver() {
      await db.updateTable('respond_deadlines').set({ held_until: 0 }).where('state', '=', 'open').execute();
    },
    async over(incident, kinds) {
      let rows = db.updateTable('respond_deadlines').set({ state: 'over' }).where('incident', '=', incident);
      if (kinds !== undefined) rows = rows.where('kind', 'in', kinds);
      await rows.where('state', '=', 'open').execute();
    },
  };
}

function deadlineOf(row: Selectable<RespondDeadlineRow>): Deadline {
  return {
    id: row.id,
    incident: row.incident,
    kind: row.kind,
    level: row.level as EscalationLevel,
    dueAt: row.due_at,
    round: row.round,
    state: row.state as Deadline['state'],
  };
}
