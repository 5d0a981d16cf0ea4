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
  conversations: number[];
  count: number;
}

interface Snippet {
  fingerprint: string;
  rule: string;
  conversations: number[];
}

export function createAcrossView(): AcrossView {
  /** By the place of a conversation, which is what is kept of it elsewhere. */
  const ids: string[] = [];
  const weaknesses = new Map<string, Weakness>();
  // Of most snippets nothing but the one conversation that they are in: a large export has hundreds of thousands of them.
  const snippets = new Map<string, number | Snippet>();
  const models = new Map<string, { conversations: number; findings: number }>();
  const named = (places: readonly number[]) => places.map((place) => ids[place]!);

  function addWeaknesses({ id, weaknesses: all }: ConversationFacts): void {
    const place = ids.push(id) - 1;
    for (const [rule, title, fingerprint] of all) {
      const weakness = weaknesses.get(rule) ?? { title, conversations: [], count: 0 };
      weakness.count += 1;
      addOnce(weakness.conversations, place);
      weaknesses.set(rule, weakness);
      if (fingerprint !== null) addSnippet(fingerprint, rule, place);
    }
  }

  function addSnippet(fingerprint: string, rule: string, place: number): void {
    const key = shortKey(fingerprint);
    const before = snippets.get(key);
    if (before === undefined) snippets.set(key, place);
    else if (typeof before === 'object') addOnce(before.conversations, place);
    else if (before !== place) snippets.set(key, { fingerprint, rule, conversations: [before, place] });
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
        .sort(
          ([a, one], [b, other]) =>
            other.conversations.length - one.conversations.length || other.count - one.count || order(a, b),
        )
        .slice(0, mostListed)
        .map(([rule, { title, conversations, count }]) => ({
          rule,
          title,
          conversations: named(conversations),
          count,
        })),
      sameSnippet: [...snippets.values()]
        .filter((snippet) => typeof snippet === 'object')
        .sort((a, b) => b.conversations.length - a.conversations.length || order(a.fingerprint, b.fingerprint))
        .slice(0, mostListed)
        .map(({ fingerprint, rule, conversations }) => ({ fingerprint, rule, conversations: named(conversations) })),
      byModel: [...models]
        .map(([model, counts]) => ({ model, ...counts }))
        .sort((a, b) => b.conversations - a.conversations || order(a.model, b.model)),
    }),
  };
}

/** 128 of the 256 bits that a fingerprint writes in hexadecimal, a byte a sign: a quarter of the memory. */
function shortKey(fingerprint: string): string {
  const key = Buffer.from(fingerprint.slice(0, 32), 'hex').toString('latin1');
  return key.length === 16 ? key : fingerprint;
}

/** Conversations come one after the other: whether one is there already shows at the end. */
function addOnce(places: number[], place: number): void {
  if (places.at(-1) !== place) places.push(place);
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
