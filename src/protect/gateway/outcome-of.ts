// What the journal is told of how a call ended.

import type { DegradedMode } from './ask.ts';
import type { ChatCall } from './dialects/dialect.ts';
import type { Conversed, Progress } from './exchange.ts';
import type { OutcomeFacts } from './record.ts';
import type { Target } from './route.ts';
import type { Settlement } from './settle.ts';

/** Who answered, and as which model where that is not the one asked for: for the journal, not for callers. */
export function answeredBy({ name, model, route }: Target): Partial<OutcomeFacts> {
  return {
    provider: name,
    ...(route === undefined ? {} : { route }),
    ...(model === undefined ? {} : { modelUsed: model }),
  };
}

/** In what a whole answer, or the error instead of it, was not as usual. */
export function degradedModesOf(end: Conversed): readonly DegradedMode[] {
  if (end.kind === 'deferred') return ['deferred'];
  return end.kind === 'answered' || end.kind === 'failed' ? (end.degraded ?? []) : [];
}

/** `used`: what is owed for it. */
export function outcomeOf(
  end: Conversed,
  call: ChatCall,
  progress: Progress,
  startedAt: number,
  used?: Settlement,
): OutcomeFacts {
  const facts: OutcomeFacts = { kind: end.kind, modelAsked: call.model, responseSize: progress.tally.size() };
  if (used !== undefined) {
    facts.promptTokens = used.promptTokens;
    facts.completionTokens = used.completionTokens;
    facts.tokensEstimated = used.estimated;
  }
  if (progress.firstAt !== undefined) facts.firstByteMs = progress.firstAt - startedAt;
  const modes = degradedModesOf(end);
  if (modes.length > 0) facts.degraded = modes.join(',');
  if (end.kind === 'failed' || end.kind === 'cut') {
    const { code, facts: why } = end.error;
    return { ...facts, code, ...(typeof why['limit'] === 'string' ? { limit: why['limit'] } : {}) };
  }
  if (end.kind === 'aborted') return facts;
  if (end.kind === 'deferred') return { ...facts, deferred: end.ticket.id };
  return { ...facts, modelUsed: end.model };
}
