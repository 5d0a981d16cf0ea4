// Conversations for tests, written as turns.
import type { Author } from '../platform/documents/analysis.ts';
import type { Conversation } from './conversation.ts';

export function talk(turns: readonly (readonly [Author, string])[]): Conversation {
  return {
    id: 'talk',
    title: null,
    source: 'talk.json',
    format: 'openai',
    messages: turns.map(([author, text], index) => ({
      index,
      author,
      branch: 'main',
      at: null,
      model: null,
      hidden: false,
      failed: false,
      parts: [{ kind: 'prose', text }],
    })),
    repairs: [],
    unread: { unknownTypes: {}, messages: 0 },
  };
}
