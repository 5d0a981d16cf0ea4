// The addresses at which models are called: body to call, call to answer, whole or streamed.
import type { IncomingMessage } from 'node:http';
import type { Json } from '../../platform/base/json.ts';
import { inStep } from '../../platform/base/turn-end.ts';
import type { BatchDoor } from '../deferred/batch-door.ts';
import { shownWithWait } from '../deferred/handle-deferred.ts';
import { sendTicket } from '../deferred/send-ticket.ts';
import type { ChatCall, ReplyEvent, ReplyWriter, Wire } from './dialects/dialect.ts';
import type { Converse, Conversed, Exchange, Listener } from './exchange.ts';
import type { Unavailable } from './failure-error.ts';
import { journalAway } from './failure-error.ts';
import { limitOutput } from './limit-output.ts';
import type { GatewayMetrics } from './metrics.ts';
import { readBody } from './read.ts';
import type { Recorder } from './record.ts';
import { degradedHeader, type ReplyContext, sendError, sendJson, shownError, viewOf } from './reply.ts';
import type { GatewaySettings } from './settings.ts';
import type { Flow } from './upstream.ts';

export interface ChatParts {
  now: () => number;
  recorder: Recorder;
  metrics: Pick<GatewayMetrics, 'degraded'>;
  converse: Converse;
  /** What calls that can wait come through; without it they are answered at once or not at all. */
  batchDoor: BatchDoor | undefined;
}

export type HandleChat = (req: IncomingMessage, context: ReplyContext, exchange: Exchange, wire: Wire) => Promise<void>;

export function createHandleChat(
  { now, recorder, metrics, converse, batchDoor }: ChatParts,
  settings: GatewaySettings,
): HandleChat {
  return async (req, context, exchange, wire) => {
    const call = await readCall(req, context, exchange, wire);
    if (call === undefined) return;
    const door = exchange.isBatch === true ? await throughDoor(req, context, exchange, call, wire) : exchange;
    if (door === undefined) return;
    const head = {
      id: `chatcmpl-${exchange.requestId.slice(4)}`,
      model: call.model,
      createdAt: exchange.startedAt,
      now,
    };
    if (!call.stream) {
      await converse(door, call, undefined, (end) => {
        if (end.kind === 'answered') sendJson(context, 200, wire.writeReply(counted(end), head, call), headersOf(end));
        else if (end.kind === 'deferred') sendTicket(context, 202, end.ticket, now());
        else if (end.kind !== 'aborted') sendError(context, end);
      });
      return;
    }
    const writer = wire.createWriter(head, call);
    await converse(door, call, streamTo(context, writer), (end) => {
      if (end.kind === 'answered')
        context.res.end(writer.write({ kind: 'usage', usage: end.settlement }) + writer.end());
      else if (end.kind === 'cut') context.res.end(writer.fail(viewOf(end.error, context.lang)));
      else if (end.kind === 'failed') sendError(context, end);
      else if (end.kind === 'deferred') sendTicket(context, 202, end.ticket, now());
    });
  };

  /** A call that can wait may have been asked before. Undefined once it was answered. */
  async function throughDoor(
    req: IncomingMessage,
    context: ReplyContext,
    exchange: Exchange,
    call: ChatCall,
    wire: Wire,
  ): Promise<Exchange | undefined> {
    if (batchDoor === undefined) return exchange;
    const { dialect } = context;
    try {
      const entered = await batchDoor(req.headers, exchange, { call, dialect, wire });
      if (entered.kind === 'go-on') return entered.exchange;
      await recorder.received(exchange, { dialect: dialect.name, model: call.model, turns: call.turns });
      const { ticket } = entered;
      recorder.outcome(exchange, {
        kind: 'deferred',
        modelAsked: call.model,
        degraded: 'deferred',
        deferred: ticket.id,
      });
      metrics.degraded('deferred');
      sendTicket(context, 202, ticket, now());
    } catch (error) {
      await refuse(context, exchange, shownWithWait(error));
    }
    return undefined;
  }

  async function refuse(context: ReplyContext, exchange: Exchange, shown: Unavailable, headers = {}): Promise<void> {
    try {
      await recorder.received(exchange, { dialect: context.dialect.name });
      recorder.outcome(exchange, { kind: 'refused', status: shown.error.http, code: shown.error.code });
      sendError(context, shown, headers);
    } catch {
      sendError(context, journalAway(), headers);
    }
  }

  /** Undefined once the refusal was sent. */
  async function readCall(
    req: IncomingMessage,
    context: ReplyContext,
    exchange: Exchange,
    wire: Wire,
  ): Promise<ChatCall | undefined> {
    try {
      const body: Json = await readBody(req, settings);
      await inStep;
      return limitOutput(wire.readCall(body, settings.unknownFields), settings.maxOutputTokens);
    } catch (error) {
      const shown = shownError(error);
      // A body that is too large is not read to its end, so the connection cannot be used again.
      const headers = req.complete ? {} : { connection: 'close' };
      await refuse(context, exchange, shown, headers);
      return undefined;
    }
  }
}

/** A provider may not say what it used: its caller is told what it is charged. */
function counted({ events, settlement }: Extract<Conversed, { kind: 'answered' }>): readonly ReplyEvent[] {
  if (!settlement.estimated) return events;
  return [...events, { kind: 'usage', usage: settlement }];
}

function headersOf({ degraded, retryAfterSeconds }: Extract<Conversed, { kind: 'answered' }>): Record<string, string> {
  const headers = degradedHeader(degraded);
  return retryAfterSeconds === undefined ? headers : { ...headers, 'retry-after': String(retryAfterSeconds) };
}

function streamTo({ res, requestId }: ReplyContext, writer: ReplyWriter): Listener {
  let waiting = false;
  function holdBack(flow: Flow): void {
    if (waiting) return;
    waiting = true;
    flow.pause();
    res.once('drain', () => {
      waiting = false;
      flow.resume();
    });
  }
  return {
    begin({ degraded }) {
      res.writeHead(200, {
        'content-type': writer.contentType,
        'cache-control': 'no-cache, no-transform',
        'x-accel-buffering': 'no',
        'x-request-id': requestId,
        ...degradedHeader(degraded),
      });
    },
    event(event, flow) {
      // What it came to is told at the end, by who told it or by our own count.
      if (event.kind === 'usage') return;
      const text = writer.write(event);
      if (text !== '' && !res.write(text)) holdBack(flow);
    },
  };
}
