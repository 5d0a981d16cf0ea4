// What a format reader is: one that knows a whole conversation by its structure, or one that knows the entries of a list.
import type { Conversation } from '../conversation.ts';
import type { Place } from './draft.ts';
import type { Shape } from './shape.ts';

/** Reads a value that is one conversation. */
export interface ConversationReader {
  /** By structure alone; never by the file's name. */
  recognises(value: Shape): boolean;
  read(value: Shape, place: Place): Conversation;
}

/** Reads a list (or lines) whose entries are messages, events or records of one or several conversations. */
export interface EntriesReader {
  recognises(entry: Shape): boolean;
  /** Entries that could not be parsed are left out before; `at` is each one's place in the file. */
  read(entries: readonly Shape[], place: Place): Conversation[];
}
