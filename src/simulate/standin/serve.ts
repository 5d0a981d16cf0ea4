// One request through the stand-in: find the route, check the key, read, find errors on demand, charge, answer at pace.
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Dialect } from '../../platform/wire/dialect.ts';
import { type ProviderAnswer, providerErrorBody } from '../../platform/wire/provider-error-bodies.ts';
import type { Accounts, Entry } from './accounts.ts';
import type { Body, Reply, Setup } from './api.ts';
import { textOfContent } from './api.ts';
import { demandedError } from './demanded-error.ts';
import { limitHeaders, limitRefusal } from './limit-answers.ts';
import { generate, type Pace, sendPaced } from './pace.ts';
import { type BodyRead, readBody } from './read-body.ts';
import { type Found, findRoute } from './routes.ts';
import type { Tally } from './tally.ts';

/** One request as the stand-in received it, whatever it then answered. */
export interface SeenRequest {
  /** Counts from 1. */
  sequence: number;
  /** Milliseconds since the epoch. */
  at: number;
  method: string;
  dialect: Dialect;
  path: string;
  /** Empty when there was none. */
  key: string;
  model: string;
  /** The last message or the prompt: where a simulated user's marker stands. */
  text: string;
}

export interface ServeParts {
  accounts: Accounts;
  tally: Tally;
  setup: Setup;
  dialect: Dialect | 'all';
  pace: Pace;
  errorsOnDemand: boolean;
  rateLimitStyle: 'provider' | 'plain';
  /** Bound to this machine only: then Ollama refuses foreign Host headers. */
  loopback: boolean;
  onRequest: (request: SeenRequest) => void;
}

interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  /** Aborts when the client goes away. */
  signal: AbortSignal;
  sequence: number;
  dialect: Dialect;
  key: string | undefined;
}

export function createServe(parts: ServeParts): RequestListener {
  let sequence = 0;
  return (request, response) => {
    const gone = new AbortController();
    response.once('close', () => {
      if (!response.writableFinished) gone.abort();
    });
    const found = findRoute(parts.dialect, request.method ?? 'GET', request.url ?? '/');
    const { dialect } = found;
    const exchange = { request, response, signal: gone.signal, sequence: ++sequence, dialect, key: bearerOf(request) };
    parts.tally.arrived(found.path, exchange.key ?? '');
    parts.tally.began();
    answer(parts, exchange, found)
      .catch(() => fail(parts, exchange))
      .then((pieces) => parts.tally.ended({ aborted: gone.signal.aborted, pieces }));
  };
}

/** An error of the stand-in itself must look like one of the provider. */
function fail(parts: ServeParts, exchange: Exchange): number {
  if (!exchange.response.headersSent) return send(exchange, parts, providerErrorBody(exchange.dialect, 'server-error'));
  exchange.response.destroy();
  return 0;
}

/** Resolves to the number of stream pieces sent. */
async function answer(parts: ServeParts, exchange: Exchange, found: Found): Promise<number> {
  if (found.kind !== 'route') return send(exchange, parts, noRoute(found));
  const { dialect, request } = exchange;
  const { route, rest } = found;
  if (dialect === 'ollama' && parts.loopback && !isLocalHost(request.headers.host))
    return send(exchange, parts, providerErrorBody('ollama', 'forbidden'));
  const read: BodyRead = route.method === 'GET' ? { kind: 'body', body: {} } : await readBody(request, dialect);
  if (read.kind === 'gone') return 0;
  const body = read.kind === 'body' ? read.body : {};
  const model = typeof body['model'] === 'string' ? body['model'] : rest;
  parts.onRequest(seen(parts, exchange, found, body, model));
  const entry = parts.accounts.enter(exchange.key);
  if (entry.kind === 'refused') return send(exchange, parts, keyRefusal(dialect, entry));
  if (read.kind === 'refused') return send(exchange, parts, read.answer);
  const refusal =
    (parts.errorsOnDemand ? demandedError(dialect, model) : undefined) ??
    (route.metered ? missingModel(dialect, model, parts.setup) : undefined);
  if (refusal !== undefined) return send(exchange, parts, refusal);
  const reply = route.handle({ dialect, body, rest, sequence: exchange.sequence }, parts.setup);
  if (!route.metered || reply.kind === 'refused' || reply.kind === 'text') return sendReply(exchange, parts, reply, {});
  const charge = parts.accounts.charge(entry.key, reply.cost);
  const limit = limitRefusal(dialect, charge, model, reply.cost, parts.rateLimitStyle);
  if (limit !== undefined) return send(exchange, parts, limit);
  return sendReply(exchange, parts, reply, limitHeaders(dialect, charge, reply.cost));
}

function seen(parts: ServeParts, exchange: Exchange, found: Found, body: Body, model: string): SeenRequest {
  return {
    sequence: exchange.sequence,
    at: parts.setup.now(),
    method: exchange.request.method ?? 'GET',
    dialect: exchange.dialect,
    path: found.path,
    key: exchange.key ?? '',
    model,
    text: questionOf(body),
  };
}

function noRoute({ kind, dialect }: Found): ProviderAnswer {
  const status = kind === 'method' ? 405 : 404;
  if (dialect === 'ollama') {
    const body = kind === 'method' ? '405 method not allowed' : '404 page not found';
    return { status, headers: { 'content-type': 'text/plain' }, body };
  }
  const message = kind === 'method' ? 'Not allowed to use this method on this URL' : 'Unknown URL';
  return providerErrorBody(dialect, 'not-found', { status, message, type: 'invalid_request_error', code: null });
}

/** Mistral refuses an unknown model as a bad request, the others as not found. */
function missingModel(dialect: Dialect, model: string, setup: Setup): ProviderAnswer | undefined {
  if (!setup.isMissing(model)) return undefined;
  return providerErrorBody(dialect, 'not-found', { model, status: dialect === 'mistral' ? 400 : 404 });
}

function keyRefusal(dialect: Dialect, entry: Extract<Entry, { kind: 'refused' }>): ProviderAnswer {
  if (entry.status === 403) return providerErrorBody(dialect, 'forbidden');
  if (entry.key !== undefined || dialect !== 'openai') return providerErrorBody(dialect, 'key-refused');
  const message = "You didn't provide an API key. Send it in an Authorization header as a bearer token.";
  return providerErrorBody(dialect, 'key-refused', { message, code: null });
}

async function sendReply(
  exchange: Exchange,
  parts: ServeParts,
  reply: Reply,
  limits: Record<string, string>,
): Promise<number> {
  const { response, signal, dialect } = exchange;
  switch (reply.kind) {
    case 'refused':
      return send(exchange, parts, reply.answer);
    case 'text':
      return send(exchange, parts, { status: 200, headers: { 'content-type': 'text/plain' }, body: reply.text });
    case 'json': {
      if (reply.cost > 0 && !(await generate(reply.tokens, parts.pace, signal))) return 0;
      const type = dialect === 'ollama' ? 'application/json; charset=utf-8' : 'application/json';
      const headers = { 'content-type': type, ...limits };
      return send(exchange, parts, { status: 200, headers, body: JSON.stringify(reply.value) });
    }
    case 'stream': {
      const headers = { 'content-type': reply.contentType, 'cache-control': 'no-cache', ...limits };
      // The head leaves with the first token, as it does at a provider that is still thinking.
      response.writeHead(200, { ...headers, ...vendorHeaders(dialect, exchange.sequence) });
      parts.tally.answered(200, exchange.key ?? '');
      const sent = await sendPaced(response, reply.pieces, parts.pace, signal);
      if (!signal.aborted) response.end();
      return sent;
    }
  }
}

function send(exchange: Exchange, { tally }: ServeParts, reply: ProviderAnswer): number {
  const { response, dialect, sequence, key } = exchange;
  response.writeHead(reply.status, { ...vendorHeaders(dialect, sequence), ...reply.headers });
  response.end(reply.body);
  tally.answered(reply.status, key ?? '');
  return 0;
}

function vendorHeaders(dialect: Dialect, sequence: number): Record<string, string> {
  const id = sequence.toString(16).padStart(32, '0');
  if (dialect === 'mistral') return { 'mistral-correlation-id': id };
  if (dialect === 'ollama') return {};
  return {
    'x-request-id': `req_${id}`,
    'openai-organization': 'standin',
    'openai-processing-ms': '1',
    'openai-version': '2020-10-01',
  };
}

function bearerOf(request: IncomingMessage): string | undefined {
  return /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
}

/** Ollama bound to loopback answers only to local names, against DNS rebinding. */
function isLocalHost(host: string | undefined): boolean {
  const name = (host ?? '').replace(/:\d+$/, '').toLowerCase();
  return /^(localhost|.*\.(localhost|local|internal)|127(\.\d+){3}|\[::1\]|0\.0\.0\.0)$/.test(name);
}

function questionOf(body: Body): string {
  const messages = body['messages'];
  const last: unknown = Array.isArray(messages) ? messages.at(-1) : undefined;
  if (typeof last === 'object' && last !== null && 'content' in last) return textOfContent(last.content);
  return textOfContent(body['prompt'] ?? body['input']);
}
