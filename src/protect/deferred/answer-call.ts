// Answers a call that waited: made again by who asked for it, as far as that one still may, and written as its own address writes.

import { RempartError } from '../../platform/base/errors.ts';
import type { Json } from '../../platform/base/json.ts';
import type { Caller } from '../gateway/ask.ts';
import { dialectByName } from '../gateway/dialects/index.ts';
import { unavailable } from '../gateway/failure-error.ts';
import type { Redo } from '../gateway/redo.ts';
import { prospectOf } from './classify.ts';
import type { DeferredCall } from './deferral.ts';
import type { Attempted } from './work.ts';

/** Who asked, as that one may ask now; undefined when its key or token was revoked since. */
export type CurrentCaller = (caller: Caller, since: number) => Caller | undefined;

export interface AnswerCallParts {
  redo: Redo;
  currentCaller: CurrentCaller;
  now: () => number;
}

export type AnswerCall = (
  what: DeferredCall,
  about: { id: string; createdAt: number; signal: AbortSignal },
) => Promise<Attempted>;

export function createAnswerCall({ redo, currentCaller, now }: AnswerCallParts): AnswerCall {
  return async ({ caller, operation, dialect, wire, lang, call }, { id, createdAt, signal }) => {
    const current = currentCaller(caller, createdAt);
    if (current === undefined) return { kind: 'never', code: 'ERR_KEY_INVALID' };
    const writer = dialectByName[dialect].wires[wire];
    if (writer === undefined) return { kind: 'never', code: 'ERR_INTERNAL' };
    const end = await redo({ deferred: id, caller: current, operation, lang, call, signal });
    switch (end.kind) {
      case 'answered': {
        const head = { id: `chatcmpl-${id.slice(4)}`, model: call.model, createdAt: now(), now };
        return { kind: 'answered', answer: writer.writeReply(end.events, head, call) satisfies Json };
      }
      case 'failed':
        return prospectOf(end);
      case 'cut':
        return prospectOf({ ...unavailable(end.error), retryAfterSeconds: 5 });
      case 'aborted':
        return { kind: 'aborted' };
      // It waits already.
      case 'deferred':
        return prospectOf(unavailable(new RempartError('ERR_INTERNAL')));
    }
  };
}
