// All format readers in the order in which they are asked, and what each parsed value is to them.
import type { Conversation } from '../conversation.ts';
import { chatgpt } from './chatgpt.ts';
import { claude, claudeDesign, claudeMemories, claudeProject } from './claude.ts';
import type { Place } from './draft.ts';
import type { ConversationReader, EntriesReader } from './format-reader.ts';
import { lechat } from './lechat.ts';
import { isShape, type Shape } from './shape.ts';

const whole: readonly ConversationReader[] = [chatgpt, claude, claudeDesign, claudeProject, claudeMemories];
const entries: readonly EntriesReader[] = [lechat];

/** Whether a value is a conversation, or an entry of one; null when it is neither. */
export function recognise(value: unknown): 'conversation' | 'entry' | null {
  if (Array.isArray(value))
    return value.length > 0 && value.slice(0, 5).some((v) => recognise(v) === 'entry') ? 'conversation' : null;
  if (!isShape(value)) return null;
  if (whole.some((reader) => reader.recognises(value))) return 'conversation';
  return entries.some((reader) => reader.recognises(value)) ? 'entry' : null;
}

/** The conversation that the value is, or null. */
export function readConversation(value: Shape, place: Place): Conversation | null {
  return whole.find((reader) => reader.recognises(value))?.read(value, place) ?? null;
}

/** The conversations that the entries make up; the first entry that a reader knows decides for all. */
export function readEntries(values: readonly Shape[], place: Place): Conversation[] {
  for (const value of values) {
    const reader = entries.find((candidate) => candidate.recognises(value));
    if (reader !== undefined) return reader.read(values, place);
  }
  return [];
}
