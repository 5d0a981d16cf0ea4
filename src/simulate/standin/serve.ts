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
import { readBody } from './read-body.ts';
import { type Found, findRoute } from './routes.ts';
import type { Tally } from './tally.ts';

/** One request as the stand-in received it. */
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
  rateLimitStyle: 'provider' | 'plain';
  onRequest: (request: SeenRequest) => void;
}

interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  signal: AbortSignal;
  sequence: number;
  key: string;
}

export function createServe(parts: ServeParts): RequestListener {
  let sequence = 0;
  return (request, response) => {
    const gone = new AbortController();
    response.once('close', () => {
      if (!response.writableFinished) gone.abort();
    });
    const key = bearerOf(request);
    const exchange: Exchange = { request, response, signal: gone.signal, sequence: ++sequence, key: key ?? '' };
    const found = findRoute(parts.dialect, request.method ?? 'GET', request.url ?? '/');
    parts.tally.arrived(found.path, exchange.key);
    parts.tally.began();
    answer(parts, exchange, found, parts.accounts.enter(key))
      .catch(() => (response.headersSent ? response.destroy() : send(exchange, parts, failure(found.dialect))))
      .then((pieces) =>
        parts.tally.ended({ aborted: gone.signal.aborted, pieces: typeof pieces === 'number' ? pieces : 0 }),
      );
  };
}

function failure(dialect: Dialect): ProviderAnswer {
  return providerErrorBody(dialect, 'server-error');
}

/** Resolves to the number of stream pieces sent. */
async function answer(parts: ServeParts, exchange: Exchange, found: Found, entry: Entry): Promise<number> {
  const { setup } = parts;
  if (found.kind !== 'route') return send(exchange, parts, noRoute(found));
  const { dialect, route, path, rest } = found;
  if (dialect === 'ollama' && !isLocalHost(exchange.request.headers.host))
    return send(exchange, parts, providerErrorBody('ollama', 'forbidden'));
  if (entry.kind === 'refused') return send(exchange, parts, keyRefusal(dialect, entry));
  const read =
    route.method === 'GET'
      ? { kind: 'body' as const, body: {} satisfies Body }
      : await readBody(exchange.request, dialect);
  if (read.kind === 'gone') return 0;
  if (read.kind === 'refused') return send(exchange, parts, read.answer);
  const { body } = read;
  const model = typeof body['model'] === 'string' ? body['model'] : rest;
  parts.onRequest({
    sequence: exchange.sequence,
    at: setup.now(),
    method: exchange.request.method ?? 'GET',
    dialect,
    path,
    key: exchange.key,
    model,
    text: questionOf(body),
  });
  const refusal = demandedError(dialect, model) ?? (route.metered ? missingModel(dialect, model, setup) : undefined);
  if (refusal !== undefined) return send(exchange, parts, refusal);
  const reply = route.handle({ dialect, body, rest, sequence: exchange.sequence }, setup);
  if (!route.metered || reply.kind === 'refused' || reply.kind === 'text')
    return sendReply(exchange, parts, dialect, reply, {});
  const charge = parts.accounts.charge(entry.key, reply.cost);
  const limit = limitRefusal(dialect, charge, model, reply.cost, parts.rateLimitStyle);
  if (limit !== undefined) return send(exchange, parts, limit);
  return sendReply(exchange, parts, dialect, reply, limitHeaders(dialect, charge, reply.cost));
}

function noRoute(found: Found): ProviderAnswer {
  if (found.dialect === 'ollama')
    return {
      status: found.kind === 'method' ? 405 : 404,
      headers: { 'content-type': 'text/plain' },
      body: `${found.kind === 'method' ? '405 method not allowed' : '404 page not found'}`,
    };
  const message = found.kind === 'method' ? 'Not allowed to use this method on this URL' : 'Unknown URL';
  const status = found.kind === 'method' ? 405 : 404;
  return providerErrorBody(found.dialect, 'not-found', { status, message, type: 'invalid_request_error', code: null });
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
  dialect: Dialect,
  reply: Reply,
  limits: Record<string, string>,
): Promise<number> {
  const { response, signal } = exchange;
  switch (reply.kind) {
    case 'refused':
      return send(exchange, parts, reply.answer);
    case 'text':
      return send(exchange, parts, { status: 200, headers: { 'content-type': 'text/plain' }, body: reply.text });
    case 'json': {
      if (reply.cost > 0 && !(await generate(reply.tokens, parts.pace, signal))) return 0;
      const type = dialect === 'ollama' ? 'application/json; charset=utf-8' : 'application/json';
      return send(exchange, parts, {
        status: 200,
        headers: { 'content-type': type, ...limits },
        body: JSON.stringify(reply.value),
      });
    }
    case 'stream': {
      const headers = { 'content-type': reply.contentType, 'cache-control': 'no-cache', ...limits };
      response.writeHead(200, { ...headers, ...vendorHeaders(dialect, exchange.sequence) });
      response.flushHeaders();
      parts.tally.answered(200, exchange.key);
      const sent = await sendPaced(response, reply.pieces, parts.pace, signal);
      if (!signal.aborted) response.end();
      return sent;
    }
  }
}

function send({ request, response, sequence, key }: Exchange, { tally, dialect }: ServeParts, reply: ProviderAnswer) {
  const found = findRoute(dialect, request.method ?? 'GET', request.url ?? '/');
  response.writeHead(reply.status, { ...vendorHeaders(found.dialect, sequence), ...reply.headers });
  response.end(reply.body);
  tally.answered(reply.status, key);
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
