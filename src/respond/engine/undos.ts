// What was done for a time only: when it ends is kept in the store, so that a restart does not make it last for ever.
import type { Store } from '../../platform/store/store.ts';

export interface Undos {
  schedule(run: string, key: string, dueAt: number): Promise<void>;
  due(): Promise<{ run: string; key: string }[]>;
  done(run: string, key: string): Promise<void>;
  /** Puts the end off. False when it is over already. */
  renew(run: string, dueAt: number): Promise<boolean>;
}

export function createUndos({ db }: Pick<Store, 'db'>, now: () => number = Date.now): Undos {
  return {
    async schedule(run, key, dueAt) {
      await db
        .insertInto('respond_undos')
        .values({ run, key, due_at: dueAt, done_at: null })
        .onConflict((conflict) => conflict.columns(['run', 'key']).doNothing())
        .execute();
    },
    due: () =>
      db
        .selectFrom('respond_undos')
        .select(['run', 'key'])
        .where('done_at', 'is', null)
        .where('due_at', '<=', now())
        .orderBy('due_at')
        .execute(),
    async done(run, key) {
      await db
        .updateTable('respond_undos')
        .set({ done_at: now() })
        .where('run', '=', run)
        .where('key', '=', key)
        .execute();
    },
    async renew(run, dueAt) {
      const { numUpdatedRows } = await db
        .updateTable('respond_undos')
        .set({ due_at: dueAt })
        .where('run', '=', run)
        .where('done_at', 'is', null)
        .executeTakeFirst();
      return numUpdatedRows > 0n;
    },
  };
}
