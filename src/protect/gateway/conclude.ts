// How a call ended, from what came of its attempts.
import { RempartError } from '../../platform/base/errors.ts';
import type { Foresight } from '../resilience/foresight.ts';
import type { DegradedMode } from './ask.ts';
import { degradedOf } from './degraded.ts';
import type { ChatCall } from './dialects/dialect.ts';
import type { Conversed, Progress } from './exchange.ts';
import { errorOfFailure, unavailable } from './failure-error.ts';
import type { AnswerFilter } from './filter.ts';
import type { Forwarded } from './forward.ts';

export function concluded(
  forwarded: Forwarded<void>,
  call: ChatCall,
  progress: Progress,
  halfOpenMs: number,
): Conversed {
  const text = progress.tally.text();
  switch (forwarded.kind) {
    case 'done':
      return {
        kind: 'answered',
        events: progress.events,
        text,
        model: progress.tally.model() ?? call.model,
        degraded: degradedOf(forwarded.provider, forwarded.isFallback),
        ...renewal(forwarded.provider.foresight),
        settlement: progress.tally.settle(call.turns),
      };
    case 'cut':
      return { kind: 'cut', error: new RempartError('ERR_STREAM_CUT'), text };
    case 'failed':
      return { kind: 'failed', ...errorOfFailure(forwarded.failure, halfOpenMs) };
    case 'aborted': {
      const error = progress.filter?.refusal() ?? progress.stopped;
      if (error === undefined) return { kind: 'aborted', text };
      return progress.shown ? { kind: 'cut', error, text } : { kind: 'failed', ...unavailable(error) };
    }
  }
}

/** Nothing was found in it, so all of it may be shown again. */
export function isRepeatable({ filter }: Progress, found: Found, degraded: readonly DegradedMode[]): boolean {
  return filter !== undefined && filter.failed() === undefined && found.length === 0 && !degraded.includes('provider');
}

export type Found = ReturnType<AnswerFilter['findings']>;
export const nothingFound: Found = [];

function renewal(foresight: Foresight | undefined): { renewsInMs?: number } {
  const renewsInMs = foresight?.stage() === 'usual' ? undefined : foresight?.renewsInMs();
  return renewsInMs === undefined ? {} : { renewsInMs };
}
