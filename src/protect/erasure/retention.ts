// Periods of keeping applied: at the start and every hour what is older than its period is erased, in small portions, and each time that took something away is journalled.
import type { Log } from '../../platform/base/log.ts';
import type { RetentionDocument } from '../../platform/documents/privacy.ts';
import type { Journal } from '../../platform/journal/journal.ts';
import { apiActivity } from '../../platform/journal/ocsf.ts';
import type { Store } from '../../platform/store/store.ts';
import type { Book } from '../chatbot/book.ts';
import { periodMs, type RetentionSettings } from './erasure-config.ts';
import { eraseExpired, expiredConversations, wipeTraces } from './subject-records.ts';

type Of = keyof RetentionSettings;

export interface RetentionParts {
  now: () => number;
  store: Pick<Store, 'db' | 'kind'>;
  book: Pick<Book, 'forget'>;
  /** The copies of journal records: they may lie in a database of their own. */
  searchIndex: { count(before: number): Promise<number>; erase(before: number): Promise<number> };
  journal: Pick<Journal, 'append'>;
  log: Pick<Log, 'warn' | 'info'>;
}

export interface Retention {
  /** Erases what is due, or only counts it. What cannot be reached now is null, and due the next time. */
  sweep(settings: RetentionSettings, apply: boolean): Promise<RetentionDocument>;
}

const portion = 200;

export function createRetention({ now, store, book, searchIndex, journal, log }: RetentionParts): Retention {
  async function conversations(before: number, apply: boolean): Promise<number> {
    if (!apply) return countExpired(store, before);
    let erased = 0;
    for (;;) {
      const due = await expiredConversations(store.db, before, portion);
      if (due.length === 0) break;
      const chosen = new Set(due.map(({ id, subject }) => JSON.stringify([subject, id])));
      const { erased: gone } = await book.forget(
        (subject, conversation) => conversation !== undefined && chosen.has(JSON.stringify([subject, conversation])),
        () =>
          eraseExpired(
            store.db,
            due.map(({ id }) => id),
            before,
          ),
      );
      erased += gone.conversations;
      // They were gone on with meanwhile: they are not due any more.
      if (gone.conversations === 0) break;
    }
    if (erased > 0) await wipeTraces(store);
    return erased;
  }

  async function of(what: Of, before: number, apply: boolean): Promise<number> {
    if (what === 'conversations') return conversations(before, apply);
    return apply ? searchIndex.erase(before) : searchIndex.count(before);
  }

  return {
    async sweep(settings, apply) {
      const at = now();
      const periods: RetentionDocument['periods'] = [];
      for (const name of ['conversations', 'searchIndex'] as const) {
        const ms = periodMs(settings[name]);
        if (ms === undefined) {
          periods.push({ of: name, period: settings[name], before: null, count: 0 });
          continue;
        }
        const before = new Date(at - ms).toISOString();
        const count = await of(name, at - ms, apply).catch((err: unknown) => {
          log.warn({ err, of: name }, 'a period of keeping could not be applied; it will be at the next time');
          return null;
        });
        periods.push({ of: name, period: settings[name], before, count });
      }
      const took = periods.filter(({ count }) => (count ?? 0) > 0);
      if (apply && took.length > 0)
        await journal.append(
          apiActivity({
            time: now(),
            activity: 'delete',
            operation: 'privacy retention',
            actor: { subject: 'configuration' },
            sourceIp: '127.0.0.1',
            status: 'success',
            unmapped: {
              phase: 'erased',
              privacy: Object.fromEntries(took.map((one) => [one.of, { before: one.before, count: one.count }])),
            },
          }),
        );
      return { schema: 'rempart/retention@1', at: new Date(at).toISOString(), applied: apply, periods };
    },
  };
}

async function countExpired({ db }: Pick<Store, 'db'>, before: number): Promise<number> {
  const counted = await db
    .selectFrom('conversations')
    .select(({ fn }) => fn.countAll<number | string>().as('count'))
    .where('updated_at', '<', before)
    .executeTakeFirstOrThrow();
  return Number(counted.count);
}

const hourMs = 3_600_000;

/** Now and every hour until the end; one at a time. */
export function scheduleRetention(
  retention: Retention,
  settings: () => RetentionSettings,
  log: Pick<Log, 'warn'>,
  everyMs = hourMs,
): { close(): Promise<void> } {
  let running: Promise<unknown> = Promise.resolve();
  let busy = false;
  const sweep = () => {
    if (busy || Object.values(settings()).every((period) => period === 'forever')) return;
    busy = true;
    running = retention
      .sweep(settings(), true)
      .catch((err: unknown) => log.warn({ err }, 'what is older than its period could not be erased'))
      .finally(() => {
        busy = false;
      });
  };
  const timer = setInterval(sweep, everyMs).unref();
  sweep();
  return {
    async close() {
      clearInterval(timer);
      await running;
    },
  };
}
