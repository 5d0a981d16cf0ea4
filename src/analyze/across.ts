// What concerns several conversations: weaknesses that come again, the same snippet in many chats, what each model wrote.
import type { Analysis } from '../platform/documents/analysis.ts';
import type { ConversationFacts } from './conversation-facts.ts';

export interface AcrossView {
  add(conversation: ConversationFacts): void;
  /** The most frequent first, then by name, so that the same input gives the same order. */
  view(): Analysis['across'];
}

/** More would be a list that nobody reads. */
const mostListed = 50;

interface Weakness {
  title: string;
  conversations: string[];
  count: number;
}

export function createAcrossView(): AcrossView {
  const weaknesses = new Map<string, Weakness>();
  const snippets = new Map<string, { rule: string; conversations: string[] }>();
  const models = new Map<string, { conversations: number; findings: number }>();

  function addWeaknesses({ id, weaknesses: all }: ConversationFacts): void {
    for (const [rule, title, fingerprint] of all) {
      const weakness = weaknesses.get(rule) ?? { title, conversations: [], count: 0 };
      weakness.count += 1;
      addOnce(weakness.conversations, id);
      weaknesses.set(rule, weakness);
      if (fingerprint === null) continue;
      const snippet = snippets.get(fingerprint) ?? { rule, conversations: [] };
      addOnce(snippet.conversations, id);
      snippets.set(fingerprint, snippet);
    }
  }

  return {
    add(conversation) {
      if (conversation.status === 'error') return;
      addWeaknesses(conversation);
      for (const model of conversation.models) {
        const known = models.get(model) ?? { conversations: 0, findings: 0 };
        models.set(model, {
          conversations: known.conversations + 1,
          findings: known.findings + conversation.written,
        });
      }
    },
    view: () => ({
      recurring: [...weaknesses]
        .filter(([, { conversations }]) => conversations.length > 1)
        .map(([rule, weakness]) => ({ rule, ...weakness }))
        .sort((a, b) => b.conversations.length - a.conversations.length || b.count - a.count || order(a.rule, b.rule))
        .slice(0, mostListed),
      sameSnippet: [...snippets]
        .filter(([, { conversations }]) => conversations.length > 1)
        .map(([fingerprint, snippet]) => ({ fingerprint, ...snippet }))
        .sort((a, b) => b.conversations.length - a.conversations.length || order(a.fingerprint, b.fingerprint))
        .slice(0, mostListed),
      byModel: [...models]
        .map(([model, counts]) => ({ model, ...counts }))
        .sort((a, b) => b.conversations - a.conversations || order(a.model, b.model)),
    }),
  };
}

/** Conversations come one after the other: whether one is there already shows at the end. */
function addOnce(ids: string[], id: string): void {
  if (ids.at(-1) !== id) ids.push(id);
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
