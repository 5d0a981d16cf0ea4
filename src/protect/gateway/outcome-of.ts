// What the journal is told of how a call ended.

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
  if (end.kind === 'failed' || end.kind === 'cut') {
    const { code, facts: why } = end.error;
    const degraded = end.kind === 'failed' ? (end.degraded ?? []).join(',') : '';
    return {
      ...facts,
      code,
      ...(typeof why['limit'] === 'string' ? { limit: why['limit'] } : {}),
      ...(degraded === '' ? {} : { degraded }),
    };
  }
  if (end.kind === 'aborted') return facts;
  if (end.kind === 'deferred') return { ...facts, degraded: 'deferred', deferred: end.ticket.id };
  return {
    ...facts,
    modelUsed: end.model,
    ...(end.degraded.length === 0 ? {} : { degraded: end.degraded.join(',') }),
  };
}
