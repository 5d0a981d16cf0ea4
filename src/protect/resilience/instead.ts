// What a caller is given when nobody can answer: a place in the queue, an earlier answer, or plain words on what happens, when and whom to ask.
import { RempartError } from '../../platform/base/errors.ts';
import { say } from '../../platform/i18n/say.ts';
import { duration } from '../chatbot/limited-answer.ts';
import { deferredCall } from '../deferred/batch-door.ts';
import { isAway } from '../deferred/classify.ts';
import type { Deferral } from '../deferred/deferral.ts';
import type { DegradedMode } from '../gateway/ask.ts';
import type { ChatCall, ReplyEvent } from '../gateway/dialects/dialect.ts';
import type { Conversed, Exchange, Listener } from '../gateway/exchange.ts';
import type { Unavailable } from '../gateway/failure-error.ts';
import { createAnswerFilter } from '../gateway/filter.ts';
import type { Screening } from '../gateway/screen.ts';
import type { AnswerCache } from './answer-cache.ts';
import type { LocalAnswersSettings } from './local-config.ts';

export interface Failed {
  exchange: Exchange;
  call: ChatCall;
  failure: Unavailable;
  /** It never came as far as a provider. */
  isRefused: boolean;
  /** True once the request is in the journal: nothing is answered before. */
  durable: Promise<boolean>;
  listener: Listener | undefined;
}

export interface Instead {
  /** Undefined: the failure stands as it is. Never rejects. */
  of(failed: Failed): Promise<Conversed | undefined>;
  /** An answer that was given whole, with nothing found in it. */
  remember(exchange: Exchange, call: ChatCall, events: readonly ReplyEvent[]): void;
}

export interface InsteadParts {
  deferral?: Deferral | undefined;
  cache?: AnswerCache | undefined;
  screening: Pick<Screening, 'prompts' | 'answers' | 'answered'>;
  count: (kind: 'cache' | 'static') => void;
}

export type InsteadSettings = Pick<LocalAnswersSettings, 'static' | 'contact'>;

/** The failure is told as it is. */
export const nothingLocal: InsteadSettings = { static: 'off', contact: '' };

/** Where nobody knows how long it takes. */
const usualWaitSeconds = 60;

export function createInstead({ deferral, cache, screening, count }: InsteadParts, settings: InsteadSettings): Instead {
  async function deferred({ exchange, call, failure }: Failed): Promise<Conversed | undefined> {
    const { deferrable } = exchange;
    if (deferrable === undefined || deferral === undefined) return undefined;
    const { idempotencyKey, webhook, deadlineMs } = deferrable;
    const ticket = await deferral.accept({
      what: deferredCall(exchange, deferrable, call),
      waitMs: (failure.retryAfterSeconds ?? usualWaitSeconds) * 1_000,
      ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
      ...(webhook === undefined ? {} : { webhook }),
      ...(deadlineMs === undefined ? {} : { deadlineMs }),
    });
    return ticket === undefined ? undefined : { kind: 'deferred', ticket };
  }

  function earlier({ exchange, call, isRefused, listener }: Failed): Conversed | undefined {
    const found = cache?.find(exchange.caller, call);
    if (found === undefined) return undefined;
    // In safe mode the prompt was not looked at yet.
    if (isRefused) screening.prompts(exchange, call);
    // Rules may be stricter by now than they were when it was given.
    const filter = createAnswerFilter(screening.answers(exchange, call), true);
    const events = [...found.flatMap(filter.take), ...filter.end()];
    screening.answered(exchange, filter.findings(), filter.failed());
    if (filter.refusal() !== undefined) return undefined;
    count('cache');
    return given(call, events, 'cache', listener);
  }

  function told({ exchange, call, failure, listener }: Failed): Conversed | undefined {
    if (settings.static === 'off') return undefined;
    const { contact } = settings;
    count('static');
    if (settings.static === 'answer' && canBeWords(call)) {
      const when = duration(failure.retryAfterSeconds ?? usualWaitSeconds, exchange.lang);
      const text = say(exchange.lang, 'local.answer', {
        when,
        contact: contact || say(exchange.lang, 'chat.contact.default'),
      });
      const events: ReplyEvent[] = [
        { kind: 'delta', index: 0, text },
        { kind: 'finish', index: 0, reason: 'stop' },
      ];
      return given(call, events, 'local', listener, failure.retryAfterSeconds);
    }
    return {
      kind: 'failed',
      ...failure,
      degraded: [...(failure.degraded ?? []), 'local'],
      contact: contact || say(exchange.lang, 'chat.contact.default'),
    };
  }

  return {
    async of(failed) {
      const { exchange, failure, isRefused, durable } = failed;
      if (exchange.deferred !== undefined || !isAway(failure, isRefused)) return undefined;
      if (!(await durable) || exchange.signal.aborted) return undefined;
      try {
        const ticket = await deferred(failed);
        if (ticket !== undefined) return ticket;
        // The chatbot has its own earlier answers and its own words.
        if (exchange.operation === 'ask') return undefined;
        return earlier(failed) ?? told(failed);
      } catch (error) {
        if (error instanceof RempartError) return { kind: 'failed', error, ...secondsOf(error) };
        return undefined;
      }
    },
    remember({ caller, operation }, call, events) {
      if (cache !== undefined && operation !== 'ask') cache.remember(caller, call, events);
    },
  };
}

/** A program that asked for numbers, or for JSON, cannot read a sentence. */
function canBeWords({ task, sampling }: ChatCall): boolean {
  return task !== 'embedding' && task !== 'fill' && sampling.json === undefined;
}

function secondsOf({ facts: { seconds } }: RempartError): { retryAfterSeconds?: number } {
  return typeof seconds === 'number' ? { retryAfterSeconds: seconds } : {};
}

const nothing = { pause() {}, resume() {} };

function given(
  call: ChatCall,
  events: readonly ReplyEvent[],
  mode: DegradedMode,
  listener: Listener | undefined,
  retryAfterSeconds?: number,
): Conversed {
  // Nobody was asked, so nothing was used.
  const usage = { promptTokens: 0, completionTokens: 0 };
  const all: ReplyEvent[] = [...events, { kind: 'usage', usage }];
  const degraded = [mode];
  listener?.begin({ degraded });
  if (listener !== undefined) for (const event of all) listener.event(event, nothing);
  return {
    kind: 'answered',
    events: all,
    text: all.map((event) => (event.kind === 'delta' && event.index === 0 ? (event.text ?? '') : '')).join(''),
    model: call.model,
    degraded,
    settlement: { ...usage, estimated: false },
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  };
}
