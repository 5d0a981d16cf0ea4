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
  /** By the index of a prose pattern: where it is to be tried. */
  stretches: readonly (Stretches | undefined)[];
}

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
export function spokenOf(conversation: Conversation): Spoken[] {
  return conversation.messages
    .filter((message) => !message.hidden && (message.author === 'user' || message.author === 'assistant'))
    .map((message) => {
      const text = proseOf(message);
      const folded = fold(text);
      return { message, text, folded, stretches: knowledge().prose.stretches(folded) };
    })
    .filter(({ text }) => text.trim() !== '');
}

/** Every place where the pattern meets and `keep` agrees, at most `limit`. */
export function hitsOf(
  spoken: readonly Spoken[],
  pattern: IndexedPattern,
  keep: (spoken: Spoken, at: number) => boolean,
  limit: number,
): Hit[] {
  const hits: Hit[] = [];
  for (const said of spoken) {
    const stretches = said.stretches[pattern.index] ?? [];
    for (let i = 0; i < stretches.length; i += 3) {
      const from = stretches[i]!;
      const text = said.folded.slice(from, stretches[i + 1]);
      let match = nextMatch(pattern, stretches[i + 2]!, text, 0);
      while (match !== null) {
        const at = from + match.index;
        if (match[0] !== '' && keep(said, at)) hits.push(hitAt(said, at));
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
