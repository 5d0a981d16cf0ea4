// Counts an answer's tokens while it streams, so that one which outgrows what its caller may still use ends there.
import type { RempartError } from '../../platform/base/errors.ts';
import type { JsonObject } from '../../platform/base/json.ts';
import type { ReplyEvent } from '../gateway/dialects/dialect.ts';
import { createTokenMeter } from './estimate-tokens.ts';
import type { Grant } from './limiter.ts';

/** Why the answer must end with this event, which is not to be passed on; undefined: it may go on. */
export type WatchAnswer = (event: ReplyEvent) => RempartError | undefined;

/** An estimate is this much on the low side, so that no answer is cut that keeps to what it was told. */
const surely = 0.8;
/** Pieces are tokens as a rule; an upstream that sends letter by letter has more of them than its words come to. */
const letterByLetter = 1.6;

export function watchAnswer(grant: Grant | undefined): WatchAnswer {
  // What was agreed went to the upstream with the call; only under a quota is it looked at whether it keeps to it.
  if (grant?.maxTokens === undefined) return () => undefined;
  const meter = createTokenMeter();
  let pieces = 0;
  return (event) => {
    if (event.kind !== 'delta') return undefined;
    pieces++;
    if (event.text !== undefined) meter.add(event.text);
    if (event.thinking !== undefined) meter.add(event.thinking);
    for (const call of event.toolCalls ?? []) {
      const from = (call as JsonObject)['function'] as JsonObject | undefined;
      const args = from?.['arguments'];
      if (args !== undefined) meter.add(typeof args === 'string' ? args : JSON.stringify(args));
    }
    const estimate = meter.tokens();
    return grant.spent(Math.min(Math.max(pieces, surely * estimate), letterByLetter * estimate));
  };
}
