// Drills that come by themselves: the due date is in the store, so that a restart neither forgets nor repeats it.
import type { Log } from '../../platform/base/log.ts';
import type { Store } from '../../platform/store/store.ts';
import type { DrillSchedule } from './drills-config.ts';

export interface ScheduleParts {
  store: Pick<Store, 'db'>;
  now: () => number;
  /** 0 to 1: instances that were started together do not drill together. */
  random: () => number;
  log: Log;
  /** Runs all drills in a process of their own, which records what they showed. */
  drill: (signal: AbortSignal) => Promise<void>;
}

export interface DrillTimes {
  /** Milliseconds since the epoch; null when nothing is scheduled. */
  next(): Promise<number | null>;
  close(): Promise<void>;
}

const dayMs = 86_400_000;
const periods = { weekly: { days: 7, jitterDays: 1 }, monthly: { days: 30, jitterDays: 3 } } as const;
const name = 'all';
const lookEveryMs = 60_000;
/** One that was cut off by a crash is begun again after it. */
const longestMs = 3_600_000;

export function scheduleDrills(parts: ScheduleParts, schedule: DrillSchedule, everyMs = lookEveryMs): DrillTimes {
  const { store, now, log } = parts;
  const stop = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let last: Promise<void> = Promise.resolve();

  async function look(): Promise<void> {
    try {
      const due = await dueAt(parts, schedule);
      if (due !== null && due <= now() && (await take(parts))) {
        await parts.drill(stop.signal);
        if (!stop.signal.aborted) await plan(parts, schedule);
      }
    } catch (err) {
      log.error({ err }, 'the drills that were due could not be held');
    }
    if (!stop.signal.aborted) again();
  }

  function again(): void {
    timer = setTimeout(() => {
      last = look();
    }, everyMs);
    timer.unref();
  }

  if (schedule !== 'off') last = look();
  return {
    next: () => readDue(store),
    async close() {
      stop.abort();
      clearTimeout(timer);
      await last;
    },
  };
}

/** Null when nothing was ever scheduled. */
export async function readDue({ db }: Pick<Store, 'db'>): Promise<number | null> {
  const row = await db.selectFrom('drill_schedule').select('due_at').where('name', '=', name).executeTakeFirst();
  return row?.due_at ?? null;
}

/** The first time, one period from now: whoever has just started has other things to do. */
async function dueAt(parts: ScheduleParts, schedule: DrillSchedule): Promise<number | null> {
  if (schedule === 'off') return null;
  const due = await readDue(parts.store);
  const latest = parts.now() + (periods[schedule].days + periods[schedule].jitterDays) * dayMs;
  // A shorter period than the one it was planned with holds at once.
  if (due !== null && due <= latest) return due;
  await plan(parts, schedule);
  return readDue(parts.store);
}

async function plan({ store: { db }, now, random }: ScheduleParts, schedule: DrillSchedule): Promise<void> {
  if (schedule === 'off') return;
  const { days, jitterDays } = periods[schedule];
  const due_at = Math.trunc(now() + (days + (random() * 2 - 1) * jitterDays) * dayMs);
  await db
    .insertInto('drill_schedule')
    .values({ name, due_at, began_at: null })
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ due_at, began_at: null }))
    .execute();
}

/** False when another node holds them just now. */
async function take({ store: { db }, now }: ScheduleParts): Promise<boolean> {
  const at = now();
  const { numUpdatedRows } = await db
    .updateTable('drill_schedule')
    .set({ began_at: at })
    .where('name', '=', name)
    .where('due_at', '<=', at)
    .where(({ or, eb }) => or([eb('began_at', 'is', null), eb('began_at', '<', at - longestMs)]))
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}
