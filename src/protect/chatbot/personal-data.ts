// What people can ask about their own data over HTTP, and administrators about that of others: a copy, or erasure.
import { RempartError } from '../../platform/base/errors.ts';
import { isSubject } from '../../platform/base/subject.ts';
import type { Asker, Privacy } from '../erasure/privacy.ts';
import type { Caller } from '../gateway/ask.ts';
import type { Book } from './book.ts';

export interface PersonalData {
  export(caller: Caller, subject: string): Promise<object>;
  erase(caller: Caller, subject: string, withKeys: boolean): Promise<object>;
  /** One of the caller's own; of anybody's for an administrator. Throws ERR_CONVERSATION_UNKNOWN. */
  eraseConversation(caller: Caller, conversation: string): Promise<void>;
}

/** Without `privacy` only what the book itself can do. */
export function createPersonalData(book: Pick<Book, 'read' | 'remove'>, privacy?: Privacy): PersonalData {
  const rights = (): Privacy => {
    if (privacy === undefined) throw new RempartError('ERR_NOT_FOUND');
    return privacy;
  };
  return {
    export: async (caller, subject) => rights().export({ subject: allowed(caller, subject) }, askerOf(caller)),
    async erase(caller, subject, withKeys) {
      const document = await rights().erase({ subject: allowed(caller, subject), withKeys }, askerOf(caller));
      if (caller.role === 'admin') return document;
      // Which services have copies is the operator's to tell.
      const { remains: _, ...own } = document;
      return own;
    },
    async eraseConversation(caller, conversation) {
      const isOwn = (await book.read(caller.subject, conversation)) !== undefined;
      if (!isOwn && (caller.role !== 'admin' || privacy === undefined))
        throw new RempartError('ERR_CONVERSATION_UNKNOWN');
      try {
        await privacy?.erase({ conversation, ...(isOwn ? { subject: caller.subject } : {}) }, askerOf(caller));
        if (privacy !== undefined) return;
      } catch (error) {
        if (!isOwn || !isForLater(error)) throw error;
      }
      // Not in the store yet, or the store is away: it is taken out as soon as it can be.
      await book.remove(caller.subject, conversation);
    },
  };
}

function isForLater(error: unknown): boolean {
  return error instanceof RempartError && ['ERR_STORE_AWAY', 'ERR_CONVERSATION_UNKNOWN'].includes(error.code);
}

/** Everybody has rights over their own data; over that of others only administrators. */
function allowed({ subject: own, role }: Caller, subject: string): string {
  if (subject !== own && role !== 'admin') throw new RempartError('ERR_FORBIDDEN');
  if (!isSubject(subject)) throw new RempartError('ERR_BODY_INVALID', { what: 'subject' });
  return subject;
}

function askerOf({ subject, credential, sourceIp }: Caller): Asker {
  return { subject, credential, sourceIp };
}
