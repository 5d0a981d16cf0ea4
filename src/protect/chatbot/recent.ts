// The conversations lately used, in memory: what can be shown while the store is away.
import type { Op } from './book.ts';
import { type Conversation, noSettings, type Settings } from './chat-store.ts';
import type { Message } from './message.ts';

const maxConversations = 1_000;

export interface Recent {
  apply(op: Op): void;
  remember(subject: string, conversation: string, messages: readonly Message[]): void;
  read(subject: string, conversation: string): Message[] | undefined;
  find(subject: string, id: string): Message | undefined;
  list(subject: string): Conversation[];
  settings(subject: string): Settings;
  forget(isAbout: About): void;
}

/** Whether something of a subject, or of one of its conversations, is meant. */
export type About = (subject: string, conversation?: string) => boolean;

/** Keyed by subject and conversation together, so that an id alone never opens another's words. */
export function createRecent(): Recent {
  const conversations = new Map<string, Map<string, Message>>();
  const settings = new Map<string, Settings>();
  const keyOf = (subject: string, conversation: string) => JSON.stringify([subject, conversation]);

  function touch(key: string, messages: Map<string, Message>): void {
    conversations.delete(key);
    conversations.set(key, messages);
    if (conversations.size > maxConversations) {
      const [oldest] = conversations.keys();
      if (oldest !== undefined) conversations.delete(oldest);
    }
  }

  return {
    apply(op) {
      if (op.kind === 'remove') conversations.delete(keyOf(op.subject, op.conversation));
      else if (op.kind === 'settings') settings.set(op.subject, op.settings);
      else {
        const key = keyOf(op.message.subject, op.message.conversation);
        const messages = conversations.get(key) ?? new Map<string, Message>();
        messages.set(op.message.id, op.message);
        touch(key, messages);
      }
    },
    remember(subject, conversation, messages) {
      touch(keyOf(subject, conversation), new Map(messages.map((message) => [message.id, message])));
    },
    read(subject, conversation) {
      const messages = conversations.get(keyOf(subject, conversation));
      return messages === undefined ? undefined : [...messages.values()];
    },
    find(subject, id) {
      for (const messages of conversations.values()) {
        const message = messages.get(id);
        if (message !== undefined && message.subject === subject) return message;
      }
      return undefined;
    },
    list(subject) {
      return [...conversations.values()]
        .flatMap((messages): Conversation[] => {
          const [first] = messages.values();
          if (first === undefined || first.subject !== subject) return [];
          const last = [...messages.values()].at(-1) ?? first;
          return [{ id: first.conversation, startedAt: first.at, lastAt: last.at, messages: messages.size }];
        })
        .sort((a, b) => b.lastAt - a.lastAt);
    },
    settings: (subject) => settings.get(subject) ?? noSettings,
    forget(isAbout) {
      for (const key of [...conversations.keys()]) {
        const [subject, conversation] = JSON.parse(key) as [string, string];
        if (isAbout(subject, conversation)) conversations.delete(key);
      }
      for (const subject of [...settings.keys()]) if (isAbout(subject)) settings.delete(subject);
    },
  };
}
