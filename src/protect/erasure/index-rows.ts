// The copies of journal records that `journal search` reads, as far as their period is concerned: counted and erased.
import { existsSync } from 'node:fs';
import { openStore, type Store, type StoreLocation } from '../../platform/store/store.ts';

/** Opened for each question: the index belongs to the thread of the sinks, and on SQLite it has a file of its own. */
export function indexRows(location: () => StoreLocation) {
  async function opened<T>(work: (db: Store['db']) => Promise<T>, nothing: T): Promise<T> {
    const where = location();
    if ('path' in where && !existsSync(where.path)) return nothing;
    const store = await openStore(where);
    try {
      return await work(store.db);
    } finally {
      await store.close();
    }
  }
  return {
    count: (before: number) =>
      opened(async (db) => {
        const counted = await db
          .selectFrom('journal_index')
          .select(({ fn }) => fn.countAll<number | string>().as('count'))
          .where('time', '<', before)
          .executeTakeFirstOrThrow();
        return Number(counted.count);
      }, 0),
    erase: (before: number) =>
      opened(async (db) => {
        let erased = 0;
        for (;;) {
          const some = await db
            .selectFrom('journal_index')
            .select('hash')
            .where('time', '<', before)
            .limit(500)
            .execute();
          if (some.length === 0) return erased;
          const gone = await db
            .deleteFrom('journal_index')
            .where(
              'hash',
              'in',
              some.map(({ hash }) => hash),
            )
            .executeTakeFirst();
          erased += Number(gone.numDeletedRows);
        }
      }, 0),
  };
}
