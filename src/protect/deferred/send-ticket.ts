// A ticket on its way out over HTTP: 202 when it was just given, 200 when it is looked at.
import { type ReplyContext, sendJson, varyingBy } from '../gateway/reply.ts';
import type { Ticket } from './deferral.ts';
import { lookAgainSeconds, ticketBody } from './ticket-body.ts';

export function sendTicket(context: ReplyContext, status: 200 | 202, ticket: Ticket, now: number): void {
  const seconds = lookAgainSeconds(ticket, now);
  sendJson(context, status, ticketBody(ticket, context.lang, now), {
    'cache-control': 'no-store',
    'content-language': context.lang,
    vary: varyingBy('accept-language', context),
    ...(status === 202 ? { location: `/v1/deferred/${ticket.id}`, 'x-rempart-degraded': 'deferred' } : {}),
    ...(seconds === undefined ? {} : { 'retry-after': String(seconds) }),
  });
}
