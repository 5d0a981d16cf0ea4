// The gateway put together: from its parts and settings to a listener for the data plane and an `ask` for the chatbot.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Dispatcher } from 'undici';
import { createEnding } from '../../platform/base/ending.ts';
import { RempartError } from '../../platform/base/errors.ts';
import type { Log } from '../../platform/base/log.ts';
import { inStep } from '../../platform/base/turn-end.ts';
import type { Journal } from '../../platform/journal/journal.ts';
import type { Signals } from '../../platform/signals.ts';
import { createBatchDoor } from '../deferred/batch-door.ts';
import type { Deferral } from '../deferred/deferral.ts';
import { createHandleDeferred } from '../deferred/handle-deferred.ts';
import { type CheckAddress, refuseWebhooks } from '../deferred/webhook-address.ts';
import { limitHeaders } from '../limits/limit-headers.ts';
import type { Limiter } from '../limits/limiter.ts';
import type { Places } from '../limits/places.ts';
import { createAccounts } from '../resilience/account.ts';
import type { AnswerCache } from '../resilience/answer-cache.ts';
import type { Foresights } from '../resilience/foresight.ts';
import type { KeptHealth } from '../resilience/kept-health.ts';
import type { ProviderState } from '../resilience/provider-health.ts';
import { type HeldBack, heldBack } from '../restraints.ts';
import type { Behaviour } from '../screening/behaviour.ts';
import type { Ask, Caller } from './ask.ts';
import { createIdentify, type Identify } from './authenticate.ts';
import { createHandleChat } from './chat.ts';
import { createConverse } from './converse.ts';
import { createAsk } from './create-ask.ts';
import type { Exchange } from './exchange.ts';
import { createFailedAuth, type FailedAuths, refusalOf } from './failed-auth.ts';
import { journalAway, unavailable } from './failure-error.ts';
import { requestIdOf } from './front/request-id.ts';
import type { Keys } from './keys.ts';
import { lockedOut, type ReadModes } from './locked-out.ts';
import { type GatewayMetrics, noMetrics } from './metrics.ts';
import { createHandleDetails } from './model-details.ts';
import { createListModels } from './models.ts';
import { openProvider } from './open-provider.ts';
import { createQuarantine, type QuarantineState } from './quarantine.ts';
import { createHandleReading } from './reading.ts';
import { type Received, receive } from './receive.ts';
import { createRecorder } from './record.ts';
import { createRedo, type Redo } from './redo.ts';
import { createRefuseDangerous } from './refuse-dangerous.ts';
import { langOf, type ReplyContext, sendError, sendJson } from './reply.ts';
import type { Tracing } from './request-trace.ts';
import { createRoutes } from './routes.ts';
import { createScreening, type Screen, withoutRules } from './screen.ts';
import { defaultScreening, type GatewaySettings } from './settings.ts';
import { sourceAddress } from './source-network.ts';
import { createStanding, type StandingParts } from './standing.ts';
import { createCallsUnderWay } from './under-way.ts';
import type { ModelGuard } from './verified-models.ts';
import { watchProviders } from './watch.ts';

export interface GatewayParts {
  /** Milliseconds since the epoch. */
  now: () => number;
  /** 0 to 1. */
  random: () => number;
  log: Log;
  journal: Journal;
  signals: Signals;
  keys: Keys;
  /** Default: by the keys alone. */
  identify?: Identify;
  /** Key of the HMAC that stands for prompts in the journal. */
  promptKey: Uint8Array;
  metrics?: GatewayMetrics;
  screen?: Screen;
  behaviour?: Behaviour;
  /** With it, emergency modes are heeded. */
  modes?: ReadModes;
  /** With it, who and what is held back is. */
  restraints?: HeldBack;
  /** With them, and what all threads are told by, a call ends as soon as its caller may not go on. */
  revocations?: NonNullable<StandingParts['revocations']>;
  shared?: NonNullable<StandingParts['shared']>;
  /** With it, only verified models are used. */
  modelGuard?: ModelGuard;
  /** With it, requests and tokens are counted and limited. */
  limiter?: Limiter;
  /** What the next gateway goes on with: how much is left of the providers' limits. */
  foresights?: Foresights;
  /** With it, so many calls at once are worked on. */
  places?: Places;
  /** With it, requests leave spans. */
  tracing?: Tracing;
  /** With it, calls that can wait are kept until somebody can answer them. */
  deferral?: Deferral;
  /** Where their answers may be sent; default: nowhere. */
  checkWebhook?: CheckAddress;
  /** With it, earlier answers are given when nobody can give new ones. */
  cache?: AnswerCache;
  /** What the next gateway takes over when this one is replaced. */
  keptHealth?: KeptHealth;
  shutOut?: QuarantineState;
  /** Connections to one provider's origin; default: an undici Pool. */
  createDispatcher?: (origin: string, connectMs: number) => Dispatcher;
}

export interface GatewayState {
  providers: ProviderState[];
  /** True when any provider is not as usual. */
  degraded: boolean;
}

export interface Gateway {
  /** A node:http listener for the data plane's paths. */
  handle(req: IncomingMessage, res: ServerResponse): void;
  ask: Ask;
  /** Makes a call that waited. */
  redo: Redo;
  /** For the other doors, so that all failures of one source count together. */
  failedAuth: FailedAuths['failed'];
  /** For the other doors too. */
  identify: Identify;
  /** For the other doors too, before anybody is known. Throws ERR_RATE_LIMITED. */
  admitSource(address: string): void;
  state(): GatewayState;
  quarantined(): number;
  close(): Promise<void>;
}

export function createGateway(given: GatewayParts, settings: GatewaySettings): Gateway {
  const parts = { metrics: noMetrics, screen: withoutRules, ...given };
  const { now, log, keys, identify = createIdentify({ keys }) } = parts;
  const accounts = createAccounts();
  const providers = settings.providers.map((provider) => openProvider({ ...parts, accounts }, provider, settings));
  const recorder = createRecorder(parts);
  const { screening: screenedBy = defaultScreening } = settings;
  const quarantine = createQuarantine(now, screenedBy.quarantine, parts.shutOut);
  const screening = createScreening({ ...parts, recorder, quarantine }, screenedBy);
  const routes = createRoutes(providers, settings.routes, parts.random);
  const underWay = createCallsUnderWay(createStanding({ ...parts, quarantine }));
  const converse = createConverse({ ...parts, recorder, screening, routes, underWay }, settings);
  const batchDoor = parts.deferral && createBatchDoor(parts.deferral, parts.checkWebhook ?? refuseWebhooks);
  const handleChat = createHandleChat({ now, recorder, metrics: parts.metrics, converse, batchDoor }, settings);
  const handleDeferred = createHandleDeferred({ recorder, deferral: parts.deferral, now });
  const handleReading = createHandleReading(recorder, createListModels(parts, providers, settings, routes));
  const handleDetails = createHandleDetails({ ...parts, recorder, routes }, providers, settings);
  const refuseDangerous = createRefuseDangerous({ ...parts, recorder });
  const failedAuth = createFailedAuth({ ...parts, recorder });
  const noteFailedAuth: FailedAuths['failed'] = (failure) => {
    failedAuth.failed(failure);
    parts.behaviour?.failedAuth(failure.sourceIp);
  };
  const watch = watchProviders(now, providers, settings);

  async function serve(req: IncomingMessage, received: Received, context: ReplyContext): Promise<void> {
    const { endpoint, operation } = received;
    await inStep;
    const crowded = tooManyFrom(sourceAddress(req));
    if (crowded !== undefined) return sendError(context, unavailable(crowded), { connection: 'close' });
    if (endpoint.kind === 'unknown') return sendError(context, { error: new RempartError('ERR_NOT_FOUND') });
    if (endpoint.kind === 'wrong-method') {
      const error = new RempartError('ERR_METHOD_NOT_ALLOWED', { method: req.method ?? '' });
      return sendError(context, { error }, { allow: endpoint.allow });
    }
    // Ollama's clients look here whether anybody is home, before they send a key.
    if (endpoint.kind === 'root') return sendJson(context, 200, { status: 'Rempart is running' });
    await inStep;
    const caller = await callerOf(req, context);
    if (caller === undefined) return;
    const exchange = beginExchange(context, caller, operation);
    await inStep;
    const closed = lockedOut(parts.modes, caller, now()) ?? heldBack(parts.restraints, caller);
    if (closed !== undefined) return refuse(context, exchange, closed);
    if (endpoint.kind === 'call') return handleChat(req, context, exchange, received.dialect.wires[endpoint.wire]!);
    if (endpoint.kind === 'deferred') return handleDeferred(req, endpoint.id, context, exchange);
    if (endpoint.kind === 'dangerous') return refuseDangerous(req, received, context, exchange);
    if (endpoint.kind === 'loaded' || endpoint.kind === 'show') return handleDetails(req, received, context, exchange);
    return handleReading(received, context, exchange);
  }

  function tooManyFrom(address: string): RempartError | undefined {
    try {
      parts.limiter?.source(address);
      return undefined;
    } catch (error) {
      if (error instanceof RempartError) return error;
      throw error;
    }
  }

  /** Undefined once the refusal was sent. */
  async function callerOf(req: IncomingMessage, context: ReplyContext): Promise<Caller | undefined> {
    const asked = identify(req);
    const found = asked instanceof Promise ? await asked : asked;
    if (found.kind === 'known') return found.caller;
    const { requestId } = context;
    const source = { requestId, sourceIp: sourceAddress(req) };
    const error = refusalOf(found, source, noteFailedAuth);
    const challenge: Record<string, string> = error.http === 401 ? { 'www-authenticate': 'Bearer' } : {};
    sendError(context, unavailable(error), { ...challenge, connection: 'close' });
    return undefined;
  }

  async function refuse(context: ReplyContext, exchange: Exchange, error: RempartError): Promise<void> {
    try {
      await recorder.received(exchange, { dialect: context.dialect.name });
    } catch {
      return sendError(context, journalAway());
    }
    recorder.outcome(exchange, { kind: 'refused', status: error.http, code: error.code });
    sendError(context, unavailable(error));
  }

  function beginExchange({ res, requestId, lang, trace }: ReplyContext, caller: Caller, operation: string): Exchange {
    const gone = createEnding();
    res.once('close', () => {
      if (!res.writableFinished) gone.abort();
    });
    trace?.identified(caller);
    return {
      requestId,
      caller,
      operation,
      lang,
      startedAt: now(),
      signal: gone.signal,
      trace: trace ?? null,
      noted: undefined,
      seen: underWay.seen(),
      ...(res.req.headers['x-rempart-urgency'] === 'batch' ? { isBatch: true as const } : {}),
      granted: (standings) => {
        limitHeaders(standings, (name, value) => res.setHeader(name, value));
      },
    };
  }

  return {
    handle(req, res) {
      const received = receive(req);
      const trace = parts.tracing?.serve(req, res, received.operation);
      const lang = langOf(req, settings.lang);
      const context = { res, dialect: received.dialect, requestId: requestIdOf(req), lang, trace };
      serve(req, received, context).catch((err: unknown) => {
        log.error({ err }, 'a request met an unexpected error');
        if (res.headersSent) res.destroy();
        else sendError(context, { error: new RempartError('ERR_INTERNAL') });
      });
    },
    ask: createAsk({ now, converse, restraints: parts.restraints, modes: parts.modes }),
    redo: createRedo({ now, converse, restraints: parts.restraints, modes: parts.modes }),
    failedAuth: noteFailedAuth,
    identify,
    admitSource: (address) => parts.limiter?.source(address),
    quarantined: quarantine.count,
    state() {
      const states = providers.map(({ health }) => health.state());
      return { providers: states, degraded: states.some(isDegraded) };
    },
    async close() {
      watch.close();
      underWay.close();
      failedAuth.close();
      for (const { health } of providers) health.close();
      await Promise.all(providers.map(({ dispatcher }) => dispatcher.destroy()));
    },
  };
}

function isDegraded({ keys, lastError }: ProviderState): boolean {
  return lastError !== undefined || keys.some(({ breaker, refused }) => refused || breaker !== 'closed');
}
