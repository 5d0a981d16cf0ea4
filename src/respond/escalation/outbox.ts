// What is to be told to whom, kept in the store until it is delivered: at least once, in order on each way, again ever more slowly.
import { sql } from 'kysely';
import { RempartError } from '../../platform/base/errors.ts';
import type { Log } from '../../platform/base/log.ts';
import type { Store } from '../../platform/store/store.ts';
import type { RespondOutboxRow } from '../../platform/store/tables.ts';
import { ChannelAway, type ChannelName, type Channels } from './channels/channel.ts';
import type { Recipient } from './contacts.ts';
import type { Notice } from './notice.ts';

export type MessageState = 'waiting' | 'sent' | 'shown' | 'failed' | 'withdrawn';

export interface Message {
  id: string;
  incident: string;
  channel: ChannelName;
  contact: string;
  what: Notice['what'];
  notice: Notice;
  state: MessageState;
  attempts: number;
  createdAt: number;
  endedAt: number | null;
  /** Of the last attempt that failed. */
  code: string | null;
}

export interface OutboxParts {
  store: Pick<Store, 'db'>;
  channels: Channels;
  /** Address of a contact on a channel, as the profile has it now. */
  addressOf: (recipient: Recipient) => string | undefined;
  now: () => number;
  log: Log;
  /** Asked before each attempt: what is no longer to be said is withdrawn. */
  isWanted: (message: Message) => Promise<boolean>;
  /** Told of each end, and of each failed attempt; resolves once it is in the journal. */
  told: (message: Message, attempt: 'sent' | 'shown' | 'failed' | 'withdrawn' | 'again') => Promise<void>;
}

export interface OutboxSettings {
  leaseMs: number;
  giveUpMs: number;
  firstRetryMs: number;
  mostRetryMs: number;
}

export const usualOutbox: OutboxSettings = {
  leaseMs: 180_000,
  giveUpMs: 72 * 3_600_000,
  firstRetryMs: 2_000,
  mostRetryMs: 600_000,
};

export interface Outbox {
  /** On disk when it resolves. The same id again is the same message. Resolves to how many are new. */
  put(messages: readonly { id: string; recipient: Recipient; notice: Notice }[]): Promise<number>;
  list(filter: { incident?: string; idBegins?: string }): Promise<Message[]>;
  /** Tries everything that is due once; resolves when those attempts are over. */
  sendDue(signal: AbortSignal): Promise<void>;
}

/** Milliseconds times this many messages a millisecond: enough to keep those that one call puts in in their order. */
const perMs = 1_000;

export function createOutbox(parts: OutboxParts, settings: OutboxSettings = usualOutbox): Outbox {
  const { store, channels, now, log } = parts;
  const { db } = store;
  let last = 0;
  const position = () => {
    last = Math.max(last + 1, now() * perMs);
    return last;
  };

  /** False when another node has it, or had it meanwhile. */
  async function claim({ id, attempts, free_at }: RespondOutboxRow): Promise<boolean> {
    const { numUpdatedRows } = await db
      .updateTable('respond_outbox')
      .set({ free_at: now() + settings.leaseMs, attempts: attempts + 1 })
      .where('id', '=', id)
      .where('state', '=', 'waiting')
      .where('free_at', '=', free_at)
      .where('attempts', '=', attempts)
      .executeTakeFirst();
    return numUpdatedRows === 1n;
  }

  async function end(message: Message, state: Exclude<MessageState, 'waiting'>, code: string | null): Promise<void> {
    const endedAt = now();
    // In the journal before it counts as done: a crash between the two says it twice rather than never.
    await parts.told({ ...message, state, endedAt, code }, state);
    await db
      .updateTable('respond_outbox')
      .set({ state, ended_at: endedAt, code })
      .where('id', '=', message.id)
      .where('state', '=', 'waiting')
      .execute();
  }

  async function again(message: Message, error: ChannelAway): Promise<void> {
    if (now() - message.createdAt >= settings.giveUpMs) return end(message, 'failed', error.why);
    const pause = Math.min(settings.mostRetryMs, settings.firstRetryMs * 2 ** Math.min(message.attempts - 1, 20));
    const free_at = now() + Math.max(pause, error.retryAfterMs ?? 0);
    await parts.told({ ...message, code: error.why }, 'again');
    await db
      .updateTable('respond_outbox')
      .set({ free_at, code: error.why })
      .where('id', '=', message.id)
      .where('state', '=', 'waiting')
      .execute();
  }

  async function attempt(row: RespondOutboxRow, signal: AbortSignal): Promise<boolean> {
    if (!(await claim(row))) return false;
    const message = messageOf({ ...row, attempts: row.attempts + 1 });
    const { channel, contact } = message;
    if (!(await parts.isWanted(message))) {
      await end(message, 'withdrawn', null);
      return true;
    }
    const address = parts.addressOf({ channel, contact });
    const way = channels[channel];
    if (address === undefined || way === undefined) {
      await end(message, 'failed', 'no-way');
      return true;
    }
    try {
      const delivered = await way.send({ id: message.id, address, notice: message.notice }, signal);
      if (delivered.kind === 'refused') await end(message, 'failed', delivered.why);
      else await end(message, delivered.kind === 'shown' ? 'shown' : 'sent', null);
      return true;
    } catch (error) {
      if (!(error instanceof ChannelAway)) throw error;
      await again(message, error);
      return false;
    }
  }

  /** The head of each lane; what stands behind it waits for it. */
  async function heads(): Promise<RespondOutboxRow[]> {
    const first = db
      .selectFrom('respond_outbox')
      .select((q) => ['lane', q.fn.min('position').as('position')])
      .where('state', '=', 'waiting')
      .groupBy('lane');
    const rows = await db
      .selectFrom('respond_outbox as box')
      .innerJoin(first.as('head'), (join) =>
        join.onRef('head.lane', '=', 'box.lane').onRef('head.position', '=', 'box.position'),
      )
      .selectAll('box')
      .where('box.state', '=', 'waiting')
      .where('box.free_at', '<=', now())
      .execute();
    // Two nodes may have chosen one position in one lane: one of the two goes first.
    return [...new Map(rows.map((row) => [row.lane, row])).values()];
  }

  async function lane(head: RespondOutboxRow, signal: AbortSignal): Promise<void> {
    try {
      await attempt(head, signal);
    } catch (error) {
      if (error instanceof RempartError && error.code === 'ERR_STORE_AWAY') return;
      log.error({ err: error, channel: head.channel }, 'a message could not be handled and will be tried again');
    }
  }

  return {
    async put(messages) {
      let added = 0;
      for (const { id, recipient, notice } of messages) {
        const { numInsertedOrUpdatedRows } = await db
          .insertInto('respond_outbox')
          .values({
            id,
            incident: notice.incident.id,
            lane: `${recipient.channel} ${recipient.contact}`,
            position: position(),
            channel: recipient.channel,
            contact: recipient.contact,
            what: notice.what,
            notice: JSON.stringify(notice),
            state: 'waiting',
            attempts: 0,
            free_at: 0,
            created_at: now(),
            ended_at: null,
            code: null,
          })
          .onConflict((conflict) => conflict.column('id').doNothing())
          .executeTakeFirst();
        if (numInsertedOrUpdatedRows === 1n) added++;
      }
      return added;
    },
    async list({ incident, idBegins }) {
      let rows = db.selectFrom('respond_outbox').selectAll().orderBy('position').orderBy('id');
      if (incident !== undefined) rows = rows.where('incident', '=', incident);
      if (idBegins !== undefined) rows = rows.where(sql<string>`substr(id, 1, ${idBegins.length})`, '=', idBegins);
      return (await rows.execute()).map(messageOf);
    },
    async sendDue(signal) {
      while (!signal.aborted) {
        const due = await heads();
        if (due.length === 0) return;
        await Promise.all(due.map((head) => lane(head, signal)));
      }
    },
  };
}

function messageOf(row: RespondOutboxRow): Message {
  return {
    id: row.id,
    incident: row.incident,
    channel: row.channel as ChannelName,
    contact: row.contact,
    what: row.what as Notice['what'],
    notice: JSON.parse(row.notice) as Notice,
    state: row.state as MessageState,
    attempts: row.attempts,
    createdAt: row.created_at,
    endedAt: row.ended_at,
    code: row.code,
  };
}
