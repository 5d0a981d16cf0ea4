// The chatbot for the console's page: the same rules and the same records as at its own address.
import { randomUUID } from 'node:crypto';
import { RempartError } from '../../platform/base/errors.ts';
import type { JsonObject } from '../../platform/base/json.ts';
import type { Lang } from '../../platform/i18n/say.ts';
import type { Access } from '../access.ts';
import type { Deferral } from '../deferred/deferral.ts';
import { ticketBody } from '../deferred/ticket-body.ts';
import type { RecordActivity } from '../record-activity.ts';
import type { Converse } from './converse.ts';
import type { Degraded } from './turn-result.ts';

export interface ConsoleQuestion {
  message: string;
  conversation?: string | undefined;
  lang: Lang;
  signal: AbortSignal;
}

export interface ConsoleChatParts {
  access: Pick<Access, 'ofSession'>;
  converse: Converse;
  record: Pick<RecordActivity, 'request'>;
}

export type ConsoleChat = (
  question: ConsoleQuestion,
  token: string,
  address: string,
) => Promise<{ reply: string; conversation: string; degraded?: Degraded }>;

export interface ConsoleTicketParts {
  access: Pick<Access, 'ofSession'>;
  deferral: Deferral | undefined;
  record: Pick<RecordActivity, 'request'>;
  now: () => number;
}

export type ConsoleTicket = (id: string, lang: Lang, token: string, address: string) => Promise<JsonObject>;

/** Throws ERR_KEY_MISSING, ERR_DEFERRED_UNKNOWN, ERR_STORE_AWAY. */
export function createConsoleTicket({ access, deferral, record, now }: ConsoleTicketParts): ConsoleTicket {
  return async (id, lang, token, address) => {
    const caller = access.ofSession(token, address);
    if (caller === undefined) throw new RempartError('ERR_KEY_MISSING');
    const ticket = await deferral?.find(caller.subject, id);
    if (ticket === undefined) throw new RempartError('ERR_DEFERRED_UNKNOWN');
    // The page looks again and again while it waits: that is one reading, of the answer.
    if (ticket.endedAt !== undefined) {
      const facts = {
        activity: 'read',
        operation: 'GET /api/chat/deferred/ID',
        caller,
        requestId: randomUUID(),
      } as const;
      await record.request({ ...facts, unmapped: { deferred: id } });
      await deferral?.delivered(id);
    }
    return ticketBody(ticket, lang, now());
  };
}

/** Throws ERR_KEY_MISSING, ERR_FORBIDDEN, ERR_CONVERSATION_UNKNOWN, ERR_STREAM_CUT. */
export function createConsoleChat({ access, converse, record }: ConsoleChatParts): ConsoleChat {
  return async (question, token, address) => {
    const caller = access.ofSession(token, address);
    if (caller === undefined) throw new RempartError('ERR_KEY_MISSING');
    const traceId = randomUUID();
    try {
      const { message, conversation, lang, signal } = question;
      const turn = { caller, message, conversation, requestId: undefined, traceId, lang, signal };
      const result = await converse(turn);
      if (result.kind !== 'reply') throw new RempartError('ERR_STREAM_CUT');
      const { reply, conversation: id, degraded } = result;
      return { reply, conversation: id, ...(degraded === undefined ? {} : { degraded }) };
    } catch (error) {
      await record.request({ activity: 'create', operation: 'POST /api/chat', caller, requestId: traceId, error });
      throw error;
    }
  };
}
