// What the queue can be asked without changing it: one request, those before another, how many there are and whether there is room.
import { type SqlBool, sql } from 'kysely';
import type { Entry } from './entry.ts';
import type { Queue, QueueLimits } from './queue.ts';
import { clockOf, entryOf, type QueueParts } from './queue-rows.ts';

/** Who hands in and takes back again and again must not fill the database with what has ended. */
const endedToEach = 10;

type Counts = Awaited<ReturnType<Queue['counts']>>;

/** States in which a request still has a place. */
export const active = ['waiting', 'running'];

export function createLooks(parts: QueueParts, limits: Pick<QueueLimits, 'most' | 'mostPerUser' | 'mostBytes'>) {
  const { db, keyId } = parts;
  const { now } = clockOf(parts);
  const mine = () => db.selectFrom('deferred_requests').where('key_id', '=', keyId);

  async function one(by: 'id' | 'idempotency', value: string): Promise<Entry | undefined> {
    const row = await mine().selectAll().where(by, '=', value).executeTakeFirst();
    return row === undefined ? undefined : entryOf(row);
  }

  async function hasRoom(subject: string, size: number): Promise<boolean> {
    const used = await db
      .selectFrom('deferred_requests')
      .where('state', 'in', active)
      .select(({ fn }) => [
        fn.countAll<number | string>().as('count'),
        fn.sum<number | string | null>('size').as('size'),
        sql<number | string | null>`sum(case when subject = ${subject} then 1 else 0 end)`.as('own'),
      ])
      .executeTakeFirst();
    const own = await db
      .selectFrom('deferred_requests')
      .where('subject', '=', subject)
      .select(({ fn }) => fn.countAll<number | string>().as('count'))
      .executeTakeFirst();
    return (
      Number(used?.count ?? 0) < limits.most &&
      Number(used?.own ?? 0) < limits.mostPerUser &&
      Number(own?.count ?? 0) < limits.mostPerUser * endedToEach &&
      Number(used?.size ?? 0) + size <= limits.mostBytes
    );
  }

  async function ahead({ id, rank, createdAt, state }: Entry): Promise<number> {
    if (state !== 'waiting') return 0;
    const { count } = await db
      .selectFrom('deferred_requests')
      .where('state', 'in', active)
      .where(
        sql<SqlBool>`(rank < ${rank} or (rank = ${rank} and (created_at < ${createdAt} or (created_at = ${createdAt} and id < ${id}))))`,
      )
      .select(({ fn }) => fn.countAll<number | string>().as('count'))
      .executeTakeFirstOrThrow();
    return Number(count);
  }

  async function counts(): Promise<Counts> {
    const rows = await db
      .selectFrom('deferred_requests')
      .where((eb) => eb.or([eb('state', 'in', active), eb('delivery', '=', 'due')]))
      .groupBy(['state', 'delivery'])
      .select(({ fn }) => [
        'state',
        'delivery',
        fn.countAll<number | string>().as('count'),
        sql<number | string>`${now()} - min(created_at)`.as('oldest'),
      ])
      .execute();
    const those = (fits: (row: (typeof rows)[number]) => boolean) =>
      rows.reduce((sum, row) => sum + (fits(row) ? Number(row.count) : 0), 0);
    return {
      waiting: those(({ state }) => state === 'waiting'),
      running: those(({ state }) => state === 'running'),
      due: those(({ delivery }) => delivery === 'due'),
      oldestMs: Math.max(0, ...rows.map(({ state, oldest }) => (active.includes(state) ? Number(oldest) : 0))),
    };
  }

  return { mine, one, hasRoom, ahead, counts };
}
