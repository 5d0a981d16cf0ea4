// `ask`: the gateway for callers inside the process, under the same guards as the HTTP front.
import { RempartError } from '../../platform/base/errors.ts';
import { type HeldBack, heldBack } from '../restraints.ts';
import type { Ask, AskOutcome, AskRequest } from './ask.ts';
import type { ChatCall } from './dialects/dialect.ts';
import type { Converse, Conversed, Listener } from './exchange.ts';
import { lockedOut, type ReadModes } from './locked-out.ts';

export interface AskParts {
  now: () => number;
  converse: Converse;
  modes: ReadModes | undefined;
  restraints: HeldBack | undefined;
}

export function createAsk({ now, converse, restraints, modes }: AskParts): Ask {
  return async (request, onDelta) => {
    const { caller, requestId, signal } = request;
    const closed = lockedOut(modes, caller, now()) ?? heldBack(restraints, caller);
    if (closed !== undefined) return { kind: 'unavailable', error: closed, partial: '' };
    const { lang, granted, deferred } = request;
    const about = { requestId, caller, operation: 'ask', lang, startedAt: now(), signal };
    const waited = deferred === undefined ? about : { ...about, deferred, isBatch: true as const };
    const exchange = granted === undefined ? waited : { ...waited, granted };
    return outcomeOf(await converse(exchange, callOf(request), onDelta && listenerOf(onDelta)));
  };
}

function listenerOf(onDelta: (text: string) => void): Listener {
  return {
    begin() {},
    event(event) {
      if (event.kind === 'delta' && event.index === 0 && event.text !== undefined) onDelta(event.text);
    },
  };
}

function callOf({ model, messages }: AskRequest): ChatCall {
  return {
    dialect: 'openai',
    model,
    stream: false,
    includeUsage: false,
    turns: messages.map(({ role, content }) => ({ role, text: content, native: { role, content } })),
    sampling: {},
    native: {},
  };
}

function outcomeOf(end: Conversed): AskOutcome {
  switch (end.kind) {
    case 'answered': {
      const { promptTokens, completionTokens } = end.settlement;
      const { text, model, degraded, renewsInMs, isOnce } = end;
      const renewal = renewsInMs === undefined ? {} : { renewsInMs };
      return {
        kind: 'answer',
        text,
        model,
        degraded,
        ...renewal,
        ...(isOnce === true ? { isOnce } : {}),
        usage: { promptTokens, completionTokens },
      };
    }
    case 'cut':
      return { kind: 'unavailable', error: end.error, partial: end.text };
    case 'failed': {
      const { error, retryAfterSeconds, degraded } = end;
      return {
        kind: 'unavailable',
        error,
        partial: '',
        ...(degraded === undefined ? {} : { degraded }),
        ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
      };
    }
    // Whoever asks from inside puts its own questions in the queue.
    case 'deferred':
      return { kind: 'unavailable', error: new RempartError('ERR_INTERNAL'), partial: '' };
    case 'aborted':
      return { kind: 'aborted', partial: end.text };
  }
}
