// What concerns several conversations: weaknesses that come again, the same snippet in many chats, what each model wrote.
import type { Analysis } from '../platform/documents/analysis.ts';
import type { ConversationFacts } from './conversation-facts.ts';
import { createSightings, type Sightings } from './sightings.ts';

export interface AcrossView {
  add(conversation: ConversationFacts): void;
  /** The most frequent first, then by name, so that the same input gives the same order. */
  view(): Analysis['across'];
  close(): void;
}

/** More would be a list that nobody reads. */
const mostListed = 50;

interface Weakness {
  number: number;
  rule: string;
  title: string;
  conversations: number;
  count: number;
  /** The last conversation that it was seen in. */
  last: number;
}

interface Snippet {
  fingerprint: string;
  rule: string;
  conversations: number[];
}

/** `sightings`: what is kept of each finding; `titleOf`: what a rule is called that was met under `title`. */
export function createAcrossView(
  sightings: Sightings = createSightings(),
  titleOf: (rule: string, title: string) => string = (_, title) => title,
): AcrossView {
  /** By the place of a conversation, which is what is kept of it elsewhere. */
  const ids: string[] = [];
  const weaknesses = new Map<string, Weakness>();
  const byNumber: Weakness[] = [];
  const models = new Map<string, { conversations: number; findings: number }>();
  const named = (places: readonly number[]) => places.map((place) => ids[place]!);

  function addWeaknesses({ id, weaknesses: all }: ConversationFacts): void {
    const place = ids.push(id) - 1;
    for (const [rule, title, fingerprint] of all) {
      let weakness = weaknesses.get(rule);
      if (weakness === undefined) {
        weakness = { number: byNumber.length, rule, title: titleOf(rule, title), conversations: 0, count: 0, last: -1 };
        weaknesses.set(rule, weakness);
        byNumber.push(weakness);
      }
      weakness.count += 1;
      if (weakness.last !== place) weakness.conversations += 1;
      weakness.last = place;
      sightings.add(weakness.number, place, fingerprint);
    }
  }

  function recurring(): Analysis['across']['recurring'] {
    const listed = byNumber
      .filter(({ conversations }) => conversations > 1)
      .sort((a, b) => b.conversations - a.conversations || b.count - a.count || order(a.rule, b.rule))
      .slice(0, mostListed);
    const places = new Map(listed.map(({ number }): [number, number[]] => [number, []]));
    sightings.each((weakness, place) => {
      const seen = places.get(weakness);
      if (seen !== undefined) addOnce(seen, place);
    });
    return listed.map(({ number, rule, title, count }) => ({
      rule,
      title,
      conversations: named(places.get(number)!),
      count,
    }));
  }

  function sameSnippet(): Analysis['across']['sameSnippet'] {
    let widest: Snippet[] = [];
    sightings.eachGroup((group) => {
      const snippets = new Map<string, number | Snippet>();
      group((weakness, place, fingerprint) => {
        const before = snippets.get(fingerprint);
        if (before === undefined) snippets.set(fingerprint, place);
        else if (typeof before === 'object') addOnce(before.conversations, place);
        else if (before !== place) {
          const { rule } = byNumber[weakness]!;
          snippets.set(fingerprint, { fingerprint, rule, conversations: [before, place] });
        }
      });
      widest = [...widest, ...[...snippets.values()].filter((snippet) => typeof snippet === 'object')]
        .sort((a, b) => b.conversations.length - a.conversations.length || order(a.fingerprint, b.fingerprint))
        .slice(0, mostListed);
    });
    return widest.map(({ fingerprint, rule, conversations }) => ({
      fingerprint: Buffer.from(fingerprint, 'latin1').toString('hex'),
      rule,
      conversations: named(conversations),
    }));
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
      recurring: recurring(),
      sameSnippet: sameSnippet(),
      byModel: [...models]
        .map(([model, counts]) => ({ model, ...counts }))
        .sort((a, b) => b.conversations - a.conversations || order(a.model, b.model)),
    }),
    close: () => sightings.close(),
  };
}

/** Conversations come one after the other: whether one is there already shows at the end. */
function addOnce(places: number[], place: number): void {
  if (places.at(-1) !== place) places.push(place);
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
