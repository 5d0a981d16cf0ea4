// Tells webhooks how requests ended: at least once, under one id for each request, signed as Standard Webhooks 1.0 has it.
import { type Dispatcher, request } from 'undici';
import type { Log } from '../../platform/base/log.ts';
import type { Lang } from '../../platform/i18n/say.ts';
import { sign } from '../../platform/journal/sinks/webhook.ts';
import type { Ticket } from './deferral.ts';
import type { Entry } from './entry.ts';
import { changed, clockOf, entryOf, type QueueParts } from './queue-rows.ts';
import type { Seal } from './seal.ts';
import { ticketBody } from './ticket-body.ts';
import type { CheckAddress } from './webhook-address.ts';

export interface OutboxParts extends QueueParts {
  seal: Seal;
  /** Connects nowhere private, and reads no answer without end. */
  dispatcher: Dispatcher;
  check: CheckAddress;
  ticketOf: (entry: Entry) => Promise<Ticket>;
  delivered: (id: string) => Promise<void>;
  count: (outcome: 'done' | 'again' | 'given-up') => void;
  log: Log;
}

export interface OutboxSettings {
  secret: string;
  timeoutMs: number;
  lang: Lang;
}

/** After 5 s, 15 s, 45 s, … up to an hour apart: half a day in all. */
const firstAgainMs = 5_000;
const longestAgainMs = 3_600_000;
const mostAttempts = 18;
const atOnce = 4;

/** Sends what is due now. Rejects when the store is away. */
export function createOutbox(parts: OutboxParts, settings: OutboxSettings): () => Promise<void> {
  const { db, kind, keyId, seal, log } = parts;
  const { now, later } = clockOf(parts);
  let sending = 0;

  /** One that nobody else will send before this try is over. */
  async function take(): Promise<Entry | undefined> {
    const due = db
      .selectFrom('deferred_requests')
      .select('id')
      .where('delivery', '=', 'due')
      .where('delivery_at', '<=', now())
      .where('key_id', '=', keyId)
      .orderBy('delivery_at')
      .limit(1);
    const row = await db
      .updateTable('deferred_requests')
      .set({
        delivery_at: later(2 * settings.timeoutMs + 5_000),
        delivery_attempts: (eb) => eb('delivery_attempts', '+', 1),
      })
      .where('id', '=', kind === 'postgres' ? due.forUpdate().skipLocked() : due)
      .returningAll()
      .executeTakeFirst();
    return row === undefined ? undefined : entryOf(row);
  }

  async function settle({ id, deliveryAttempts }: Entry, outcome: 'done' | 'again' | 'given-up'): Promise<void> {
    const wait = Math.min(longestAgainMs, firstAgainMs * 3 ** Math.min(deliveryAttempts - 1, 8));
    const isOver = outcome === 'done' || outcome === 'given-up' || deliveryAttempts >= mostAttempts;
    const state = outcome === 'done' ? 'done' : 'given-up';
    const update = db.updateTable('deferred_requests').where('id', '=', id).where('delivery', '=', 'due');
    const ours = await update
      .set(isOver ? { delivery: state, webhook: null } : { delivery_at: later(wait) })
      .executeTakeFirst();
    if (!changed(ours)) return;
    parts.count(isOver ? state : 'again');
    if (isOver && outcome === 'done') await parts.delivered(id);
    if (isOver && outcome !== 'done') log.warn({ id }, 'a webhook was not told how a deferred request ended');
  }

  async function send(entry: Entry): Promise<'done' | 'again' | 'given-up'> {
    let url: string;
    try {
      url = String(seal.open(entry.webhook ?? '', `${entry.id} webhook`));
      // The configuration may be another one by now.
      parts.check(url);
    } catch {
      return 'given-up';
    }
    const time = Math.floor(parts.now() / 1_000);
    const data = ticketBody(await parts.ticketOf(entry), settings.lang, parts.now());
    const body = JSON.stringify({
      type: `deferred.${entry.state}`,
      timestamp: new Date(time * 1_000).toISOString(),
      data: { ...data, webhook: 'due' },
    });
    // The same however often it is sent, so that a receiver takes it once.
    const id = `msg_${entry.id}`;
    const { secret, timeoutMs } = settings;
    try {
      const { statusCode, body: answer } = await request(url, {
        method: 'POST',
        dispatcher: parts.dispatcher,
        headers: {
          'content-type': 'application/json',
          'user-agent': 'rempart',
          'webhook-id': id,
          'webhook-timestamp': String(time),
          'webhook-signature': `v1,${sign(secret, `${id}.${time}.${body}`)}`,
        },
        body,
        headersTimeout: timeoutMs,
        bodyTimeout: timeoutMs,
        signal: AbortSignal.timeout(timeoutMs),
      });
      // Its words are of no use; the connection is, once they are read.
      await answer.text().catch(() => undefined);
      if (statusCode >= 200 && statusCode < 300) return 'done';
      return statusCode === 410 ? 'given-up' : 'again';
    } catch {
      return 'again';
    }
  }

  return async () => {
    while (sending < atOnce) {
      const entry = await take();
      if (entry === undefined) return;
      sending++;
      void send(entry)
        .then((outcome) => settle(entry, outcome))
        .catch(() => undefined)
        .finally(() => {
          sending--;
        });
    }
  };
}
