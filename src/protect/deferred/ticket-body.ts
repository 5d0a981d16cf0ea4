// Where a deferred request stands, as its owner reads it: the same at its address and at a webhook.
import { explainError, RempartError } from '../../platform/base/errors.ts';
import type { JsonObject } from '../../platform/base/json.ts';
import { type Lang, say, type TextKey } from '../../platform/i18n/say.ts';
import { duration } from '../chatbot/limited-answer.ts';
import type { Ticket } from './deferral.ts';
import type { DeferredState } from './entry.ts';

const said: Readonly<Record<DeferredState, TextKey>> = {
  waiting: 'deferred.waiting',
  running: 'deferred.running',
  answered: 'deferred.answered',
  failed: 'deferred.failed',
  expired: 'deferred.expired',
  cancelled: 'deferred.cancelled',
};

const isoOf = (at: number) => new Date(at).toISOString();

export function ticketBody(ticket: Ticket, lang: Lang, now: number): JsonObject {
  const { id, state, position, createdAt, deadlineAt, expectedAt, endedAt, code, answer, delivery } = ticket;
  const { says, todo } = explainError(new RempartError(code ?? 'ERR_INTERNAL', { seconds: 60 }), lang);
  return {
    object: 'deferred',
    id,
    status: state,
    ...(position === undefined ? {} : { position }),
    createdAt: isoOf(createdAt),
    ...(expectedAt === undefined ? {} : { expectedAt: isoOf(expectedAt) }),
    deadline: isoOf(deadlineAt),
    ...(endedAt === undefined ? {} : { endedAt: isoOf(endedAt) }),
    ...(delivery === 'none' ? {} : { webhook: delivery }),
    message: say(lang, said[state], {
      position: position ?? 0,
      when: duration(Math.max(1, Math.ceil(((expectedAt ?? now) - now) / 1_000)), lang),
    }),
    ...(code === undefined ? {} : { error: { code, message: says, todo } }),
    ...(answer === undefined ? {} : { answer }),
  };
}

/** Seconds until it is worth a look: not for what has ended. */
export function lookAgainSeconds({ expectedAt }: Ticket, now: number): number | undefined {
  if (expectedAt === undefined) return undefined;
  return Math.min(3_600, Math.max(1, Math.ceil((expectedAt - now) / 1_000)));
}
