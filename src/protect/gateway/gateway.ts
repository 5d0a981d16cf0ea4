// The gateway put together: from its parts and settings to a listener for the data plane and an `ask` for the chatbot.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Dispatcher, Pool } from 'undici';
import { RempartError } from '../../platform/base/errors.ts';
import type { Log } from '../../platform/base/log.ts';
import type { Journal } from '../../platform/journal/journal.ts';
import type { Signals } from '../../platform/signals.ts';
import { createProviderHealth, type ProviderState } from '../resilience/provider-health.ts';
import { admit } from './admit.ts';
import type { Ask, Caller } from './ask.ts';
import { authenticate, sourceIp } from './authenticate.ts';
import { createHandleChat } from './chat.ts';
import { createConverse, type Exchange, journalAway, newRequestId } from './converse.ts';
import { createAsk } from './create-ask.ts';
import { dialectByName } from './dialects/index.ts';
import { createFailedAuth } from './failed-auth.ts';
import type { Keys } from './keys.ts';
import { type GatewayMetrics, noMetrics } from './metrics.ts';
import { createListModels } from './models.ts';
import { type Received, receive } from './receive.ts';
import { createRecorder } from './record.ts';
import { degradedHeader, langOf, type ReplyContext, sendError, sendJson, shownError } from './reply.ts';
import type { Provider } from './route.ts';
import { type Screen, withoutRules } from './screen.ts';
import type { GatewaySettings, ProviderSettings } from './settings.ts';
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
  /** Key of the HMAC that stands for prompts in the journal. */
  promptKey: Uint8Array;
  metrics?: GatewayMetrics;
  screen?: Screen;
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
  state(): GatewayState;
  close(): Promise<void>;
}

/** The API level of Ollama's that is spoken here; its clients ask for it, and it tells nothing about us. */
const ollamaLevel = '0.12.0';

export function createGateway(given: GatewayParts, settings: GatewaySettings): Gateway {
  const parts = { metrics: noMetrics, screen: withoutRules, ...given };
  const { now, log, keys } = parts;
  const providers = settings.providers.map((provider) => openProvider(parts, provider, settings));
  const recorder = createRecorder(parts);
  const converse = createConverse({ ...parts, recorder, providers }, settings);
  const handleChat = createHandleChat({ now, recorder, converse }, settings);
  const listModels = createListModels(parts, providers, settings);
  const failedAuth = createFailedAuth({ ...parts, recorder });
  const watch = watchProviders(now, providers, settings);

  async function serve(req: IncomingMessage, received: Received, context: ReplyContext): Promise<void> {
    const { endpoint, operation } = received;
    if (endpoint.kind === 'unknown') return sendError(context, { error: new RempartError('ERR_NOT_FOUND') });
    if (endpoint.kind === 'wrong-method') {
      const error = new RempartError('ERR_METHOD_NOT_ALLOWED', { method: req.method ?? '' });
      return sendError(context, { error }, { allow: endpoint.allow });
    }
    // Ollama's clients look here whether anybody is home, before they send a key.
    if (endpoint.kind === 'root') return sendJson(context, 200, { status: 'Rempart is running' });
    const caller = identify(req, context);
    if (caller === undefined) return;
    const exchange = beginExchange(context, caller, operation);
    if (endpoint.kind === 'chat') return handleChat(req, context, exchange);
    return serveReading(received, context, exchange);
  }

  /** Undefined once the refusal was sent. */
  function identify(req: IncomingMessage, context: ReplyContext): Caller | undefined {
    const found = authenticate(req, keys);
    if (found.kind === 'known') return found.caller;
    const { requestId } = context;
    const source = { requestId, sourceIp: sourceIp(req) };
    if (found.kind === 'missing') failedAuth({ ...source, reason: 'missing' });
    else failedAuth({ ...source, ...found });
    const error = new RempartError(found.kind === 'missing' ? 'ERR_KEY_MISSING' : 'ERR_KEY_INVALID');
    sendError(context, { error }, { 'www-authenticate': 'Bearer', connection: 'close' });
    return undefined;
  }

  function beginExchange({ res, requestId }: ReplyContext, caller: Caller, operation: string): Exchange {
    const gone = new AbortController();
    res.once('close', () => {
      if (!res.writableFinished) gone.abort();
    });
    return { requestId, caller, operation, startedAt: now(), signal: gone.signal };
  }

  async function serveReading(
    { endpoint, dialect }: Received,
    context: ReplyContext,
    exchange: Exchange,
  ): Promise<void> {
    try {
      await recorder.received(exchange, { dialect: dialect.name });
    } catch {
      return sendError(context, journalAway());
    }
    let code: string | undefined;
    const refuse = (error: RempartError, retryAfterSeconds?: number) => {
      code = error.code;
      sendError(context, { error, ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) });
    };
    try {
      admit(exchange.caller);
      if (endpoint.kind === 'version') sendJson(context, 200, { version: ollamaLevel });
      else {
        const listed = await listModels(exchange.signal);
        if (listed.kind === 'failed') refuse(listed.error, listed.retryAfterSeconds);
        else if (listed.kind === 'listed') {
          const headers = degradedHeader(listed.fromCache ? ['cache'] : []);
          const card = endpoint.kind === 'model' ? listed.cards.find(({ id }) => id === endpoint.id) : undefined;
          if (endpoint.kind === 'models') sendJson(context, 200, dialect.writeModels(listed.cards), headers);
          else if (card !== undefined) sendJson(context, 200, dialect.writeModel(card), headers);
          else refuse(new RempartError('ERR_MODEL_UNKNOWN'));
        }
      }
    } catch (error) {
      refuse(shownError(error).error);
    }
    recorder.outcome(exchange, code === undefined ? { kind: 'answered' } : { kind: 'failed', code });
  }

  return {
    handle(req, res) {
      const received = receive(req);
      const context = { res, dialect: received.dialect, requestId: newRequestId(), lang: langOf(req, settings.lang) };
      serve(req, received, context).catch((err: unknown) => {
        log.error({ err }, 'a request met an unexpected error');
        if (res.headersSent) res.destroy();
        else sendError(context, { error: new RempartError('ERR_INTERNAL') });
      });
    },
    ask: createAsk(now, converse),
    state() {
      const states = providers.map(({ health }) => health.state());
      return { providers: states, degraded: states.some(isDegraded) };
    },
    async close() {
      watch.close();
      for (const { health } of providers) health.close();
      await Promise.all(providers.map(({ dispatcher }) => dispatcher.destroy()));
    },
  };
}

function isDegraded({ keys, lastError }: ProviderState): boolean {
  return lastError !== undefined || keys.some(({ breaker, refused }) => refused || breaker !== 'closed');
}

function openProvider(parts: GatewayParts, provider: ProviderSettings, settings: GatewaySettings): Provider {
  const { name, dialect, key, spareKeys = [], fallbackModel } = provider;
  const url = new URL(provider.url);
  const keys = [...(key === undefined ? [] : [key]), ...spareKeys];
  const { breaker, refusal, timeouts } = settings;
  return {
    name,
    dialect: dialectByName[dialect],
    keys,
    prefix: url.pathname.replace(/\/+$/, ''),
    ...(fallbackModel === undefined ? {} : { fallbackModel }),
    health: createProviderHealth(parts, {
      name,
      keys: keys.length,
      breaker,
      ...(refusal === undefined ? {} : { refusal }),
    }),
    dispatcher: (parts.createDispatcher ?? openPool)(url.origin, timeouts.connectMs),
  };
}

/** No pipelining: a slow answer must not stand before a quick one. */
function openPool(origin: string, connectMs: number): Dispatcher {
  return new Pool(origin, { connections: null, pipelining: 1, connect: { timeout: connectMs } });
}
