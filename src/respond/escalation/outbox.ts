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
  /** Longer than an attempt: after it another node may try. */
  leaseMs: number;
  attemptMs: number;
  giveUpMs: number;
  firstRetryMs: number;
  mostRetryMs: number;
}

export const usualOutbox: OutboxSettings = {
  leaseMs: 90_000,
  attemptMs: 60_000,
  giveUpMs: 72 * 3_600_000,
  firstRetryMs: 2_000,
  mostRetryMs: 600_000,
};

export interface Outbox {
  /** On disk when it resolves. The same id again is the same message. Resolves to how many are new. */
  put(messages: readonly { id: string; recipient: Recipient; notice: Notice }[]): Promise<number>;
  list(filter: { incident?: string; idBegins?: string }): Promise<Message[]>;
  /** Begins with everything that is due; one slow way holds no other up. */
  sendDue(signal: AbortSignal): Promise<void>;
  /** Resolves when what was begun is over. */
  settled(): Promise<void>;
  /** What a process that died held is free at once; only where no other node can hold it. */
  takeOver(): Promise<void>;
}

/** Milliseconds times this many messages a millisecond: enough to keep those that one call puts in in their order. */
const perMs = 1_000;

export function createOutbox(parts: OutboxParts, settings: OutboxSettings = usualOutbox): Outbox {
  const { store, channels, now, log } = parts;
  const { db } = store;
  const busy = new Map<string, Promise<void>>();
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
      const limited = AbortSignal.any([signal, AbortSignal.timeout(settings.attemptMs)]);
      const delivered = await way.send({ id: message.id, address, notice: message.notice }, limited);
      if (delivered.kind === 'refused') await end(message, 'failed', delivered.why);
      else await end(message, delivered.kind === 'shown' ? 'shown' : 'sent', null);
      return true;
    } catch (error) {
      if (!(error instanceof ChannelAway)) throw error;
      await again(message, error);
      return false;
    }
  }

  /** The head of each lane, or of one; what stands behind it waits for it. */
  async function heads(name?: string): Promise<RespondOutboxRow[]> {
    let first = db
      .selectFrom('respond_outbox')
      .select((q) => ['lane', q.fn.min('position').as('position')])
      .where('state', '=', 'waiting')
      .groupBy('lane');
    if (name !== undefined) first = first.where('lane', '=', name);
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

  /** One message after the other, until one has to wait. */
  async function empty(name: string, signal: AbortSignal): Promise<void> {
    try {
      while (!signal.aborted) {
        const [head] = await heads(name);
        if (head === undefined || !(await attempt(head, signal))) return;
      }
    } catch (error) {
      if (error instanceof RempartError && error.code === 'ERR_STORE_AWAY') return;
      log.error({ err: error }, 'a message could not be handled and will be tried again');
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
      for (const { lane } of await heads())
        if (!busy.has(lane) && !signal.aborted)
          busy.set(
            lane,
            empty(lane, signal).finally(() => busy.delete(lane)),
          );
    },
    async settled() {
      while (busy.size > 0) await Promise.all(busy.values());
    },
    async takeOver() {
      await db.updateTable('respond_outbox').set({ free_at: 0 }).where('state', '=', 'waiting').execute();
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
