// Where each topic is spoken of in a conversation, looked up once however often it is asked.
import type { Topic } from '../knowledge/knowledge.ts';
import { isAbsent } from './negation.ts';
import { type Hit, hitsOf, type Spoken } from './spoken.ts';

/** The places in order; those that say a weakness is not there are left out. */
export type Hearing = (topic: Topic) => readonly Hit[];

const places = 100;

export function hearingOf(spoken: readonly Spoken[]): Hearing {
  const heard = new Map<string, Hit[]>();
  return (topic) => {
    const known = heard.get(topic.id);
    if (known !== undefined) return known;
    const { saidPattern } = topic;
    const stated = ({ folded }: Spoken, at: number) => !isAbsent(folded, at);
    const hits = saidPattern === null ? [] : hitsOf(spoken, saidPattern, stated, places);
    heard.set(topic.id, hits);
    return hits;
  };
}
