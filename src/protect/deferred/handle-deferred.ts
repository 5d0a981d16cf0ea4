// GET and DELETE /v1/deferred/ID: where a request stands, its answer, and the way out; for its owner only, and journalled like everything else.
import type { IncomingMessage } from 'node:http';
import { RempartError } from '../../platform/base/errors.ts';
import { admit } from '../gateway/admit.ts';
import type { Exchange } from '../gateway/exchange.ts';
import type { Unavailable } from '../gateway/failure-error.ts';
import { journalAway } from '../gateway/failure-error.ts';
import type { Recorder } from '../gateway/record.ts';
import { type ReplyContext, sendError, shownError } from '../gateway/reply.ts';
import type { Deferral, Ticket } from './deferral.ts';
import { sendTicket } from './send-ticket.ts';

export type HandleDeferred = (
  req: IncomingMessage,
  id: string,
  context: ReplyContext,
  exchange: Exchange,
) => Promise<void>;

export interface HandleDeferredParts {
  recorder: Recorder;
  /** Without it nothing is ever deferred. */
  deferral: Deferral | undefined;
  now: () => number;
}

export function createHandleDeferred({ recorder, deferral, now }: HandleDeferredParts): HandleDeferred {
  return async (req, id, context, exchange) => {
    try {
      await recorder.received(exchange, { dialect: context.dialect.name });
    } catch {
      sendError(context, journalAway());
      return;
    }
    let ticket: Ticket;
    try {
      ticket = await lookAt(req, id, exchange);
    } catch (error) {
      const shown = shownWithWait(error);
      sendError(context, shown);
      recorder.outcome(exchange, { kind: 'failed', code: shown.error.code });
      return;
    }
    const isOver = ticket.endedAt !== undefined;
    // Only once it has gone out whole has its owner got it.
    if (isOver && req.method === 'GET')
      context.res.once('finish', () => void deferral?.delivered(ticket.id).catch(() => undefined));
    sendTicket(context, 200, ticket, now());
    recorder.outcome(exchange, { kind: 'answered', deferred: ticket.id });
  };

  async function lookAt(req: IncomingMessage, id: string, { caller }: Exchange): Promise<Ticket> {
    // Not by the routes of its key: who was given a place may look at it.
    admit(caller);
    if (deferral === undefined) throw new RempartError('ERR_NOT_FOUND');
    const ticket = await (req.method === 'DELETE'
      ? deferral.cancel(caller.subject, id)
      : deferral.find(caller.subject, id));
    if (ticket === undefined) throw new RempartError('ERR_DEFERRED_UNKNOWN');
    return ticket;
  }
}

/** A store that is away is back soon, as a rule. */
export function shownWithWait(error: unknown): Unavailable {
  const shown = shownError(error);
  return shown.error.code === 'ERR_STORE_AWAY' ? { ...shown, retryAfterSeconds: 5 } : shown;
}
