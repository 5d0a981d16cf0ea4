// Refuses the addresses that would hand the model server over, and lets nobody try them unseen.
import type { IncomingMessage } from 'node:http';
import { RempartError } from '../../platform/base/errors.ts';
import type { Signals } from '../../platform/signals.ts';
import type { Exchange } from './exchange.ts';
import { journalAway } from './failure-error.ts';
import type { GatewayMetrics } from './metrics.ts';
import type { Received } from './receive.ts';
import type { Recorder } from './record.ts';
import { type ReplyContext, sendError } from './reply.ts';

export interface RefuseParts {
  now: () => number;
  recorder: Recorder;
  metrics: GatewayMetrics;
  signals: Signals;
}

export type RefuseDangerous = (
  req: IncomingMessage,
  received: Received,
  context: ReplyContext,
  exchange: Exchange,
) => Promise<void>;

/** 403 for every caller, administrators among them: models are managed where the server is. */
export function createRefuseDangerous({ now, recorder, metrics, signals }: RefuseParts): RefuseDangerous {
  return async (req, { dialect }, context, exchange) => {
    const error = new RempartError('ERR_ROUTE_REFUSED');
    metrics.routeRefused(dialect.name);
    signals.emit({
      kind: 'dangerous-route',
      time: now(),
      severity: 'medium',
      facts: { dialect: dialect.name, role: exchange.caller.role, credential: exchange.caller.credential },
    });
    const headers = req.complete ? {} : { connection: 'close' };
    try {
      await recorder.received(exchange, { dialect: dialect.name });
      recorder.outcome(exchange, { kind: 'refused', status: error.http, code: error.code });
      sendError(context, { error }, headers);
    } catch {
      sendError(context, journalAway(), headers);
    }
  };
}
