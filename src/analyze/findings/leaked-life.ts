// What became of a secret that was sent: somebody said to revoke it, and its owner said that it was done.
import type { Finding } from '../../platform/documents/analysis.ts';
import type { SeenPractice } from '../maturity/practices.ts';
import { isAsked, isMissing } from '../prose/negation.ts';
import type { Spoken } from '../prose/spoken.ts';
import type { FoundSecret } from './secrets.ts';

type LaterEvent = Finding['life'][number] & { event: 'discussed' | 'fixed' };

const revoked =
  /\b(revoked|rotated|regenerated|invalidated|deleted (the|that|my|this) (old )?(key|token)|changed (the|that|my|this|all) (key|token|password)s?|(cle|jeton|mot de passe|token)s? (est |a ete |ont ete |sont )?(desormais |deja )?(revoque|renouvele|change|regenere|supprime)e?s?|(j'ai|c'est|on l'a|nous avons|je l'ai) (bien |deja |tout )?(revoque|renouvele|change|regenere|supprime)e?s?)\b/g;

/** `discussed` when an answer asks for revocation, `fixed` when the one who sent it says it is done. */
export function afterLeak(
  { messageIndex, branch }: FoundSecret,
  spoken: readonly Spoken[],
  practices: readonly SeenPractice[],
): LaterEvent[] {
  const advice = practices.find(({ practice }) => practice.id === 'secret-rotation')?.named ?? [];
  const later = spoken.filter(({ message }) => message.index > messageIndex && message.branch === branch);
  const told = later.find(
    ({ message }) => message.author === 'assistant' && advice.some((place) => place.messageIndex === message.index),
  );
  const done = later.find(({ message, folded }) => message.author === 'user' && isDone(folded));
  const events: LaterEvent[] = [];
  if (told !== undefined && (done === undefined || told.message.index < done.message.index))
    events.push({ event: 'discussed', messageIndex: told.message.index, author: 'assistant' });
  if (done !== undefined) events.push({ event: 'fixed', messageIndex: done.message.index, author: 'user' });
  return events;
}

function isDone(folded: string): boolean {
  return [...folded.matchAll(revoked)].some(({ index }) => !isMissing(folded, index) && !isAsked(folded, index));
}
