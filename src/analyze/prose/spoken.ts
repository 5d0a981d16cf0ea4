// What a conversation says, message by message, ready to be searched: folded once, original beside it.
import type { Conversation, Message } from '../conversation.ts';
import { knowledge } from '../knowledge/knowledge.ts';
import { type IndexedPattern, nextMatch, type Stretches } from '../knowledge/pattern-index.ts';
import { fold } from './fold.ts';
import { proseOf } from './prose-of.ts';

export interface Spoken {
  message: Message;
  text: string;
  folded: string;
}

/** All that is said in a conversation, and where to look in it. */
export interface Speech {
  said: readonly Spoken[];
  /** By the index of a prose pattern: where it is to be tried, message by message; those that can meet nowhere are not in it. */
  worthTrying: ReadonlyMap<number, readonly { said: Spoken; stretches: Stretches }[]>;
}

export const silence: Speech = { said: [], worthTrying: new Map() };

export interface Hit {
  message: Message;
  /** Offset in the message's prose. */
  at: number;
  /** From 1. */
  line: number;
  /** The line that holds it, trimmed and shortened. */
  excerpt: string;
}

/** Hidden messages (custom instructions, memory) and tools' output are no talk. */
export function speechOf(conversation: Conversation): Speech {
  const { prose } = knowledge();
  const all: Spoken[] = [];
  const worthTrying = new Map<number, { said: Spoken; stretches: Stretches }[]>();
  for (const message of conversation.messages) {
    if (message.hidden || (message.author !== 'user' && message.author !== 'assistant')) continue;
    const text = proseOf(message);
    if (text.trim() === '') continue;
    const said = { message, text, folded: fold(text) };
    all.push(said);
    prose.stretches(said.folded, (pattern, stretches) => {
      const list = worthTrying.get(pattern);
      if (list === undefined) worthTrying.set(pattern, [{ said, stretches }]);
      else list.push({ said, stretches });
    });
  }
  return { said: all, worthTrying };
}

/** Every place where the pattern meets and `keep` agrees, which is told what it met; at most `limit`. */
export function hitsOf(
  { worthTrying }: Speech,
  pattern: IndexedPattern,
  keep: (spoken: Spoken, at: number, met: string) => boolean,
  limit: number,
): Hit[] {
  const hits: Hit[] = [];
  for (const { said, stretches } of worthTrying.get(pattern.index) ?? []) {
    for (let i = 0; i < stretches.length; i += 3) {
      const from = stretches[i]!;
      const text = said.folded.slice(from, stretches[i + 1]);
      let match = nextMatch(pattern, stretches[i + 2]!, text, 0);
      while (match !== null) {
        const at = from + match.index;
        if (match[0] !== '' && keep(said, at, match[0])) hits.push(hitAt(said, at));
        if (hits.length >= limit) return hits;
        match = nextMatch(pattern, stretches[i + 2]!, text, match.index + Math.max(1, match[0].length));
      }
    }
  }
  return hits;
}

function hitAt({ message, text }: Spoken, at: number): Hit {
  const from = text.lastIndexOf('\n', at - 1) + 1;
  const to = text.indexOf('\n', at);
  let line = 1;
  for (let index = text.indexOf('\n'); index >= 0 && index < at; index = text.indexOf('\n', index + 1)) line += 1;
  const whole = text.slice(from, to < 0 ? undefined : to).trim();
  return { message, at, line, excerpt: whole.length > 240 ? `${whole.slice(0, 239)}…` : whole };
}
