// Conversations, messages and settings in the store: writing one twice is harmless, and nobody reads another's.
import { createHash } from 'node:crypto';
import type { Kysely } from 'kysely';
import { RempartError } from '../../platform/base/errors.ts';
import type { Lang } from '../../platform/i18n/say.ts';
import { isAlreadyThere, type Store } from '../../platform/store/store.ts';
import type { MessageRow, Tables } from '../../platform/store/tables.ts';
import type { Message } from './message.ts';

export interface Conversation {
  id: string;
  /** Milliseconds since the epoch. */
  startedAt: number;
  lastAt: number;
  messages: number;
}

export interface Settings {
  /** The language of notices and answers; null: the browser's. */
  lang: Lang | null;
  answers: 'normal' | 'short' | 'detailed';
}

export const noSettings: Settings = { lang: null, answers: 'normal' };

export interface ChatStore {
  /** Puts the message at the end of its conversation, once; in the place of a limited answer with the same id. */
  add(message: Message): Promise<void>;
  find(subject: string, id: string): Promise<Message | undefined>;
  read(subject: string, conversation: string): Promise<Message[] | undefined>;
  list(subject: string): Promise<Conversation[]>;
  remove(subject: string, conversation: string): Promise<void>;
  settings(subject: string): Promise<Settings>;
  putSettings(subject: string, settings: Settings): Promise<void>;
}

/** How the role column spells an answer that the model did not write. */
const limitedRole = 'limited';

export function createChatStore({ db }: Pick<Store, 'db'>): ChatStore {
  return {
    async add(message) {
      // Two writers may choose the same position; the second one looks again.
      for (let attempt = 0; ; attempt++) {
        try {
          await db.transaction().execute((transaction) => insert(transaction, message));
          return;
        } catch (error) {
          if (!isAlreadyThere(error) || attempt === 4) throw error;
        }
      }
    },
    async find(subject, id) {
      const row = await messagesOf(db, subject).where('messages.id', '=', id).executeTakeFirst();
      return row === undefined ? undefined : toMessage(row);
    },
    async read(subject, conversation) {
      const own = await db
        .selectFrom('conversations')
        .select('id')
        .where('id', '=', conversation)
        .where('subject', '=', subject)
        .executeTakeFirst();
      if (own === undefined) return undefined;
      const rows = await messagesOf(db, subject)
        .where('messages.conversation', '=', conversation)
        .orderBy('messages.position')
        .execute();
      return rows.map(toMessage);
    },
    async list(subject) {
      const rows = await db
        .selectFrom('conversations')
        .leftJoin('messages', 'messages.conversation', 'conversations.id')
        .select(({ fn }) => [
          'conversations.id',
          'conversations.created_at',
          'conversations.updated_at',
          fn.count<number | string>('messages.id').as('messages'),
        ])
        .where('conversations.subject', '=', subject)
        .groupBy(['conversations.id', 'conversations.created_at', 'conversations.updated_at'])
        .orderBy('conversations.updated_at', 'desc')
        .limit(200)
        .execute();
      return rows.map((row) => ({
        id: row.id,
        startedAt: Number(row.created_at),
        lastAt: Number(row.updated_at),
        messages: Number(row.messages),
      }));
    },
    async remove(subject, conversation) {
      await db.transaction().execute(async (transaction) => {
        const { numDeletedRows } = await transaction
          .deleteFrom('conversations')
          .where('id', '=', conversation)
          .where('subject', '=', subject)
          .executeTakeFirst();
        if (numDeletedRows > 0n)
          await transaction.deleteFrom('messages').where('conversation', '=', conversation).execute();
      });
    },
    async settings(subject) {
      const rows = await db.selectFrom('settings').selectAll().where('subject', '=', subject).execute();
      const values = new Map(rows.map(({ name, value }) => [name, value]));
      const lang = values.get('lang');
      const answers = values.get('answers');
      return {
        lang: lang === 'fr' || lang === 'en' ? lang : noSettings.lang,
        answers: answers === 'short' || answers === 'detailed' ? answers : noSettings.answers,
      };
    },
    async putSettings(subject, { lang, answers }) {
      const values = [
        { subject, name: 'lang', value: lang ?? '' },
        { subject, name: 'answers', value: answers },
      ];
      await db
        .insertInto('settings')
        .values(values)
        .onConflict((conflict) =>
          conflict.columns(['subject', 'name']).doUpdateSet((eb) => ({ value: eb.ref('excluded.value') })),
        )
        .execute();
    },
  };
}

async function insert(db: Kysely<Tables>, message: Message): Promise<void> {
  const conversation = await ownConversation(db, message);
  const last = await db
    .selectFrom('messages')
    .select(({ fn }) => fn.max('position').as('position'))
    .where('conversation', '=', conversation)
    .executeTakeFirst();
  await db
    .insertInto('messages')
    .values({
      id: message.id,
      conversation,
      position: Number(last?.position ?? 0) + 1,
      role: message.limited ? limitedRole : message.role,
      text: message.text,
      complete: message.complete ? 1 : 0,
      created_at: message.at,
    })
    .onConflict((conflict) =>
      conflict
        .column('id')
        .doUpdateSet((eb) => ({
          role: eb.ref('excluded.role'),
          text: eb.ref('excluded.text'),
          complete: eb.ref('excluded.complete'),
        }))
        .where('messages.role', '=', limitedRole),
    )
    .execute();
}

/** The conversation's id, made when it is new. One that another subject owns is never written to: the message then gets one of its own. */
async function ownConversation(db: Kysely<Tables>, message: Message): Promise<string> {
  for (const id of [message.conversation, apart(message)]) {
    await db
      .insertInto('conversations')
      .values({ id, subject: message.subject, title: '', created_at: message.at, updated_at: message.at })
      .onConflict((conflict) => conflict.column('id').doNothing())
      .execute();
    const { numUpdatedRows } = await db
      .updateTable('conversations')
      .set({ updated_at: message.at })
      .where('id', '=', id)
      .where('subject', '=', message.subject)
      .executeTakeFirst();
    if (numUpdatedRows > 0n) return id;
  }
  throw new RempartError('ERR_CONVERSATION_UNKNOWN');
}

function apart({ subject, conversation }: Message): string {
  return createHash('sha256')
    .update(JSON.stringify([subject, conversation]))
    .digest('base64url')
    .slice(0, 32);
}

function messagesOf(db: Kysely<Tables>, subject: string) {
  return db
    .selectFrom('messages')
    .innerJoin('conversations', 'conversations.id', 'messages.conversation')
    .selectAll('messages')
    .select('conversations.subject')
    .where('conversations.subject', '=', subject);
}

function toMessage(row: MessageRow & { subject: string }): Message {
  return {
    id: row.id,
    subject: row.subject,
    conversation: row.conversation,
    role: row.role === 'user' ? 'user' : 'assistant',
    text: row.text,
    at: Number(row.created_at),
    complete: row.complete === 1,
    limited: row.role === limitedRole,
  };
}
