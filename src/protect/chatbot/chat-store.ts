// Conversations, messages and settings in the store: writing one twice is harmless, and nobody reads another's.
import type { Lang } from '../../platform/i18n/say.ts';
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
  /** Puts the message at the end of its conversation, once. */
  add(message: Message): Promise<void>;
  find(subject: string, id: string): Promise<Message | undefined>;
  read(subject: string, conversation: string): Promise<Message[] | undefined>;
  list(subject: string): Promise<Conversation[]>;
  remove(subject: string, conversation: string): Promise<void>;
  settings(subject: string): Promise<Settings>;
  putSettings(subject: string, settings: Settings): Promise<void>;
}
