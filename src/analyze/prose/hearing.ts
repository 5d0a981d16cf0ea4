// Where each topic is spoken of in a conversation, looked up once however often it is asked.
import type { Topic } from '../knowledge/knowledge.ts';
import { denial, isAbsent, isAsked } from './negation.ts';
import { type Hit, hitsOf, type Speech, type Spoken } from './spoken.ts';

/** The places in order; those that say a weakness is not there, and questions that were answered so, are left out. */
export type Hearing = (topic: Topic) => readonly Hit[];

const places = 100;
const nowhere: readonly Hit[] = [];

export function hearingOf(speech: Speech): Hearing {
  const heard = new Map<string, Hit[]>();
  return (topic) => {
    // Most topics have no word in a conversation.
    if (topic.saidPattern === null || !speech.worthTrying.has(topic.saidPattern.index)) return nowhere;
    const known = heard.get(topic.id);
    if (known !== undefined) return known;
    const hits = heardOf(topic, speech);
    heard.set(topic.id, hits);
    return hits;
  };
}

function heardOf({ saidPattern }: Topic, speech: Speech): Hit[] {
  if (saidPattern === null) return [];
  let denied = false;
  const asked = new Set<Hit>();
  const stated = (said: Spoken, at: number) => {
    const absent = isAbsent(said.folded, at);
    if (absent && said.message.author === 'assistant') denied = true;
    return !absent;
  };
  const hits = hitsOf(speech, saidPattern, stated, places);
  if (hits.length === 0) return hits;
  const bySpoken = new Map(speech.said.map((said, index) => [said.message, { said, next: speech.said[index + 1] }]));
  for (const hit of hits) {
    const { said, next } = bySpoken.get(hit.message) ?? {};
    if (said === undefined || hit.message.author !== 'user' || !isAsked(said.folded, hit.at)) continue;
    if (denied || (next?.message.author === 'assistant' && denial.test(next.folded))) asked.add(hit);
  }
  return hits.filter((hit) => !asked.has(hit));
}
