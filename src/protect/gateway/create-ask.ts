// `ask`: the gateway for callers inside the process, under the same guards as the HTTP front.
import { type HeldBack, heldBack } from '../restraints.ts';
import type { Ask, AskOutcome, AskRequest } from './ask.ts';
import type { Converse, Conversed, Listener } from './converse.ts';
import type { ChatCall } from './dialects/dialect.ts';
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
    const { lang, granted } = request;
    const about = { requestId, caller, operation: 'ask', lang, startedAt: now(), signal };
    const exchange = granted === undefined ? about : { ...about, granted };
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
      const { text, model, degraded } = end;
      return { kind: 'answer', text, model, degraded, usage: { promptTokens, completionTokens } };
    }
    case 'cut':
      return { kind: 'unavailable', error: end.error, partial: end.text };
    case 'failed': {
      const { error, retryAfterSeconds } = end;
      return {
        kind: 'unavailable',
        error,
        partial: '',
        ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
      };
    }
    case 'aborted':
      return { kind: 'aborted', partial: end.text };
  }
}
