// The conversations, whether the store is there or not: in its absence they live in memory and in a spool file, and
// are written to it when it is back, in order, once each.
import { RempartError } from '../../platform/base/errors.ts';
import type { Log } from '../../platform/base/log.ts';
import type { ChatStore, Conversation, Settings } from './chat-store.ts';
import type { Message } from './message.ts';
import { type About, createRecent } from './recent.ts';
import type { Spool } from './spool.ts';

/** What waits for the store; `id`s make writing one twice harmless. */
export type Op =
  | { kind: 'message'; message: Message }
  | { kind: 'remove'; subject: string; conversation: string }
  | { kind: 'settings'; subject: string; settings: Settings };

export interface Book {
  /** Resolves once the message is on disk: true in the store, false in the spool. Rejects when neither can take it. */
  add(message: Message): Promise<boolean>;
  find(subject: string, id: string): Promise<Message | undefined>;
  /** Undefined: there is none for this subject. Rejects with ERR_STORE_AWAY when that cannot be known now. */
  read(subject: string, conversation: string): Promise<Message[] | undefined>;
  list(subject: string): Promise<Conversation[]>;
  remove(subject: string, conversation: string): Promise<void>;
  settings(subject: string): Promise<Settings>;
  putSettings(subject: string, settings: Settings): Promise<void>;
  /**
   * Erases by `erase`, and takes what it is about out of memory and the file of what was set aside: nothing of it comes
   * back later. Rejects with ERR_STORE_AWAY while the store does not have everything yet.
   */
  forget<T>(isAbout: About, erase: () => Promise<T>): Promise<{ erased: T; setAside: number }>;
  /** Whether messages wait for the store. */
  away(): boolean;
  close(): Promise<void>;
}

export interface BookParts {
  store: ChatStore;
  spool: Spool<Op>;
  /** Where an entry goes that the store itself refuses, so that those behind it are not held up. */
  setAside: Pick<Spool<Op>, 'append' | 'keepOnly'>;
  /** Called with false when the store goes away and true when it is back; returns the end of the subscription. */
  onStoreChange: (listener: (there: boolean) => void) => () => void;
  log: Log;
  now: () => number;
}

const retryMs = 500;
/** A refusal may be a passing one (a deadlock): only one that is repeated is the entry's own fault. */
const maxRefusals = 3;
/** How far back the store's own acknowledgements are doubted when it breaks: a damaged file may have lost them. */
const doubtMs = 5 * 60_000;

export function createBook({ store, spool, setAside, onStoreChange, log, now }: BookParts): Book {
  const recent = createRecent();
  const pending: Op[] = [...spool.found];
  for (const op of pending) recent.apply(op);
  /** Messages that the store acknowledged lately. */
  let acknowledged: Message[] = [];
  const refusals = new Map<Op, number>();
  let draining = false;
  let closed = false;

  async function write(op: Op): Promise<boolean> {
    if (pending.length === 0 && !draining) {
      try {
        await apply(store, op);
        if (op.kind === 'message') acknowledge(op.message);
        if (op.kind === 'remove') forget(op);
        recent.apply(op);
        return true;
      } catch (error) {
        // The code only: a database quotes the row it refuses in its message.
        log.warn({ code: codeOf(error) }, 'the store did not take a chat message; it is kept in the spool');
      }
    }
    pending.push(op);
    try {
      await spool.append([op]);
    } catch (error) {
      const at = pending.indexOf(op);
      if (at >= 0) pending.splice(at, 1);
      throw error;
    }
    if (op.kind === 'remove') forget(op);
    recent.apply(op);
    return false;
  }

  function acknowledge(message: Message): void {
    acknowledged.push(message);
    const oldest = now() - doubtMs;
    const keep = acknowledged.findIndex(({ at }) => at >= oldest);
    if (keep > 0) acknowledged = acknowledged.slice(keep);
  }

  function forget({ subject, conversation }: { subject: string; conversation: string }): void {
    acknowledged = acknowledged.filter((m) => m.subject !== subject || m.conversation !== conversation);
  }

  async function doubt(): Promise<void> {
    const ops: Op[] = acknowledged.map((message) => ({ kind: 'message', message }));
    acknowledged = [];
    if (ops.length === 0) return;
    pending.unshift(...ops);
    await spool.append(ops);
  }

  /** Writes it to the store, or sets it aside; rejects while neither can be said yet. */
  async function settle(op: Op): Promise<void> {
    try {
      await apply(store, op);
      if (op.kind === 'message') acknowledge(op.message);
    } catch (error) {
      const code = codeOf(error);
      if (code === 'ERR_STORE_AWAY') throw error;
      const count = (refusals.get(op) ?? 0) + 1;
      refusals.set(op, count);
      if (count < maxRefusals) throw error;
      await setAside.append([op]);
      log.error({ code, kind: op.kind }, 'the store refuses a chat entry; it is set aside beside the spool');
    }
    refusals.delete(op);
  }

  async function drain(): Promise<void> {
    if (draining || closed || pending.length === 0) return;
    draining = true;
    try {
      for (let op = pending[0]; op !== undefined && !closed; op = pending[0]) {
        await settle(op);
        // By identity: the doubted may have been put before it meanwhile.
        const at = pending.indexOf(op);
        if (at >= 0) pending.splice(at, 1);
      }
      await spool.clearIf(() => pending.length === 0);
    } catch {
      // Still away, or refused for now: the timer tries again.
    } finally {
      draining = false;
    }
  }

  const endSubscription = onStoreChange((there) => {
    if (there) void drain();
    else doubt().catch((error: unknown) => log.error({ err: error }, 'the chat spool cannot be written'));
  });
  const timer = setInterval(() => void drain(), retryMs);
  timer.unref();
  void drain();

  const whilePending = (subject: string, conversation: string) =>
    pending.flatMap((op) =>
      op.kind === 'message' && op.message.subject === subject && op.message.conversation === conversation
        ? [op.message]
        : [],
    );

  return {
    add: (message) => write({ kind: 'message', message }),
    async find(subject, id) {
      const known = recent.find(subject, id);
      if (known !== undefined) return known;
      try {
        return await store.find(subject, id);
      } catch {
        return undefined; // not known to be there: writing it again is harmless
      }
    },
    async read(subject, conversation) {
      try {
        if (pending.length > 0) await drain();
        const stored = await store.read(subject, conversation);
        const waiting = whilePending(subject, conversation);
        if (stored === undefined && waiting.length === 0) return undefined;
        const byId = new Map<string, Message>();
        for (const message of [...(stored ?? []), ...waiting])
          if (byId.get(message.id)?.limited !== false) byId.set(message.id, message);
        const all = [...byId.values()];
        recent.remember(subject, conversation, all);
        return all;
      } catch (error) {
        const known = recent.read(subject, conversation);
        if (known === undefined) throw error;
        return known;
      }
    },
    async list(subject) {
      try {
        if (pending.length > 0) await drain();
        const stored = await store.list(subject);
        const ids = new Set(stored.map(({ id }) => id));
        return [...recent.list(subject).filter(({ id }) => !ids.has(id) && pending.length > 0), ...stored];
      } catch {
        return recent.list(subject);
      }
    },
    async remove(subject, conversation) {
      await write({ kind: 'remove', subject, conversation });
    },
    async settings(subject) {
      try {
        const stored = await store.settings(subject);
        recent.apply({ kind: 'settings', subject, settings: stored });
        return stored;
      } catch {
        return recent.settings(subject);
      }
    },
    async putSettings(subject, settings) {
      await write({ kind: 'settings', subject, settings });
    },
    async forget(isAbout, erase) {
      await drain();
      if (pending.length > 0) throw new RempartError('ERR_STORE_AWAY', { seconds: 1 });
      // Before too: a store that breaks meanwhile would be given them again.
      const forgetAcknowledged = () => {
        acknowledged = acknowledged.filter((message) => !isAbout(message.subject, message.conversation));
      };
      forgetAcknowledged();
      const erased = await erase();
      forgetAcknowledged();
      recent.forget(isAbout);
      return { erased, setAside: await setAside.keepOnly((op) => !isOf(op, isAbout)) };
    },
    away: () => pending.length > 0,
    async close() {
      clearInterval(timer);
      endSubscription();
      await drain();
      closed = true;
      await spool.close();
    },
  };
}

function apply(store: ChatStore, op: Op): Promise<void> {
  switch (op.kind) {
    case 'message':
      return store.add(op.message);
    case 'remove':
      return store.remove(op.subject, op.conversation);
    case 'settings':
      return store.putSettings(op.subject, op.settings);
  }
}

function isOf(op: Op, isAbout: About): boolean {
  if (op.kind === 'message') return isAbout(op.message.subject, op.message.conversation);
  return op.kind === 'remove' ? isAbout(op.subject, op.conversation) : isAbout(op.subject);
}

/** The database's own code or ours; nothing else of an error is fit for a log. */
function codeOf(error: unknown): string {
  if (error instanceof RempartError) return error.code;
  const { code, errcode } = error as { code?: unknown; errcode?: unknown };
  return [code, errcode].filter((part) => typeof part === 'string' || typeof part === 'number').join(' ') || 'unknown';
}
