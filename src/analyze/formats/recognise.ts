// All format readers in the order in which they are asked, and what each parsed value is to them.
import type { Conversation } from '../conversation.ts';
import { aistudio } from './aistudio.ts';
import { chatgpt } from './chatgpt.ts';
import { chatgptGroups, chatgptShare } from './chatgpt-others.ts';
import { claude, claudeDesign, claudeMemories, claudeProject } from './claude.ts';
import { claudeCode } from './claude-code.ts';
import { codex } from './codex.ts';
import type { Place } from './draft.ts';
import type { ConversationReader, EntriesReader } from './format-reader.ts';
import { grok, perplexity } from './grok-perplexity.ts';
import { lechat } from './lechat.ts';
import { openai, openaiEntries } from './openai.ts';
import { isShape, type Shape } from './shape.ts';
import { sharegpt, sharegptEntries } from './sharegpt.ts';
import { takeout } from './takeout.ts';

const whole: readonly ConversationReader[] = [
  chatgpt,
  chatgptShare,
  claude,
  claudeDesign,
  claudeProject,
  claudeMemories,
  aistudio,
  grok,
  perplexity,
  chatgptGroups,
  openai,
  sharegpt,
];
/** Their marks are unmistakable, and a line of a log may look like an envelope: these are asked first. */
const marked: readonly EntriesReader[] = [lechat, takeout, claudeCode, codex];
const entries: readonly EntriesReader[] = [...marked, openaiEntries, sharegptEntries];

/** Whether a value is a conversation, or an entry of one; null when it is neither. */
export function recognise(value: unknown): 'conversation' | 'entry' | null {
  if (Array.isArray(value))
    // A list within a list is no entry: looking into it would only follow lists a hundred thousand deep.
    return value.slice(0, 5).some((v) => !Array.isArray(v) && recognise(v) === 'entry') ? 'conversation' : null;
  if (!isShape(value)) return null;
  if (marked.some((reader) => reader.recognises(value))) return 'entry';
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
