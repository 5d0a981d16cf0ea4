// A call that waited for its answer, made now: under the same guards as one that just came in.
import { type HeldBack, heldBack } from '../restraints.ts';
import type { Caller } from './ask.ts';
import type { ChatCall } from './dialects/dialect.ts';
import type { Converse, Conversed, Exchange } from './exchange.ts';
import { unavailable } from './failure-error.ts';
import { newRequestId } from './front/request-id.ts';
import { lockedOut, type ReadModes } from './locked-out.ts';

export interface RedoCall extends Pick<Exchange, 'operation' | 'lang' | 'signal'> {
  /** The id under which it waited. */
  deferred: string;
  caller: Caller;
  call: ChatCall;
}

/** Never rejects: what goes wrong is an outcome. */
export type Redo = (call: RedoCall) => Promise<Conversed>;

export interface RedoParts {
  now: () => number;
  converse: Converse;
  modes: ReadModes | undefined;
  restraints: HeldBack | undefined;
}

export function createRedo({ now, converse, restraints, modes }: RedoParts): Redo {
  return async ({ call, ...about }) => {
    const { caller } = about;
    const closed = lockedOut(modes, caller, now()) ?? heldBack(restraints, caller);
    if (closed !== undefined) return { kind: 'failed', ...unavailable(closed) };
    return converse({ ...about, requestId: newRequestId(), startedAt: now(), isBatch: true }, call);
  };
}
