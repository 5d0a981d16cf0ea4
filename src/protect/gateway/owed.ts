// What limits are told of a call: who asks for what, how soon it is to be served, and what it came to in the end.
import { ranks } from '../gate.ts';
import type { Asked } from '../limits/rules.ts';
import type { ChatCall } from './dialects/dialect.ts';
import type { Conversed, Exchange, Progress } from './exchange.ts';
import type { Settlement } from './settle.ts';

export function rankOf({ caller, isBatch }: Exchange): number {
  return isBatch ? ranks.batch : ranks[caller.role];
}

export function askedBy({ caller, operation }: Exchange, { model }: ChatCall): Asked {
  const { subject, role, credential, sourceIp } = caller;
  return { subject, role, credential, sourceIp, operation, model };
}

/** What is owed for it. Undefined: nobody was asked, or who was asked said nothing but that it could not. */
export function usedBy(
  end: Conversed,
  { turns }: ChatCall,
  { tally, stopped }: Progress,
  attempts: number,
): Settlement | undefined {
  if (end.kind === 'answered') return end.settlement;
  if (attempts === 0) return undefined;
  const used = tally.settle(turns);
  // Who goes away has asked all the same: what was sent is used, and what came until then.
  const isEndedEarly = end.kind === 'aborted' || stopped !== undefined;
  return isEndedEarly || !used.estimated || tally.size() > 0 ? used : undefined;
}
