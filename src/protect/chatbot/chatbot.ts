// The built-in chatbot over HTTP: questions, history, settings and login, for the holder of a key or a session.
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { RempartError } from '../../platform/base/errors.ts';
import type { Log } from '../../platform/base/log.ts';
import { acceptedLang, type Lang } from '../../platform/i18n/say.ts';
import type { Caller } from '../gateway/ask.ts';
import type { Book } from './book.ts';
import type { Settings } from './chat-store.ts';
import type { Converse, TurnResult } from './converse.ts';
import { errorBody, eventFrame, readJson, sendError, sendJson, textField } from './exchange.ts';

export interface ChatbotParts {
  converse: Converse;
  book: Book;
  /** The caller of a request by its key or session; throws ERR_KEY_MISSING or ERR_KEY_INVALID. */
  authenticate(req: IncomingMessage): Promise<Caller>;
  /** A session for a password or a key; throws ERR_KEY_INVALID, ERR_RATE_LIMITED. */
  login(given: { password?: string; key?: string }, sourceIp: string): Promise<{ token: string; expiresAt: number }>;
  log: Log;
}

export interface ChatbotSettings {
  lang: Lang;
  maxBodyBytes: number;
}

export interface Chatbot {
  /** Answers requests under /chat; false when the address is not the chatbot's. */
  handle(req: IncomingMessage, res: ServerResponse): Promise<boolean>;
}

interface Exchange {
  req: IncomingMessage;
  res: ServerResponse;
  caller: Caller;
  lang: Lang;
  traceId: string;
}

const maxMessageLength = 32_000;

export function createChatbot(parts: ChatbotParts, settings: ChatbotSettings): Chatbot {
  return {
    async handle(req, res) {
      const path = (req.url ?? '').split('?', 1)[0] ?? '';
      if (path !== '/chat' && !path.startsWith('/chat/')) return false;
      const traceId = randomUUID();
      res.setHeader('x-request-id', traceId);
      let lang = acceptedLang(req.headers['accept-language'], settings.lang);
      try {
        if (path === '/chat/login') await login(req, res);
        else {
          const caller = await parts.authenticate(req);
          lang = acceptedLang(req.headers['accept-language'], await ownLang(caller));
          await route(path, { req, res, caller, lang, traceId });
        }
      } catch (error) {
        if (!(error instanceof RempartError)) parts.log.error({ err: error, traceId }, 'a chat request failed');
        const known = error instanceof RempartError ? error : new RempartError('ERR_INTERNAL', {}, error);
        sendError(res, known, lang);
      }
      return true;
    },
  };

  async function ownLang({ subject }: Caller): Promise<Lang> {
    return (await parts.book.settings(subject)).lang ?? settings.lang;
  }

  async function route(path: string, exchange: Exchange): Promise<void> {
    const [, , area, id, ...more] = path.split('/');
    const method = exchange.req.method ?? '';
    if (more.length > 0) throw new RempartError('ERR_NOT_FOUND');
    if (area === undefined) return only(method, { POST: () => ask(exchange) });
    if (area === 'settings' && id === undefined)
      return only(method, { GET: () => showSettings(exchange), PUT: () => putSettings(exchange) });
    if (area === 'conversations' && id === undefined) return only(method, { GET: () => list(exchange) });
    if (area === 'conversations' && id !== undefined)
      return only(method, { GET: () => show(exchange, id), DELETE: () => remove(exchange, id) });
    throw new RempartError('ERR_NOT_FOUND');
  }

  async function ask({ req, res, caller, lang, traceId }: Exchange): Promise<void> {
    if (caller.role === 'viewer') throw new RempartError('ERR_FORBIDDEN');
    const body = await readJson(req, settings.maxBodyBytes);
    const message = textField(body, 'message', maxMessageLength);
    if (message === undefined) throw new RempartError('ERR_BODY_INVALID', { what: 'message' });
    const header = req.headers['idempotency-key'];
    const gone = new AbortController();
    res.on('close', () => {
      if (!res.writableFinished) gone.abort();
    });
    const turn = {
      caller,
      message,
      conversation: textField(body, 'conversation', 100),
      requestId: textField(body, 'id', 200) ?? (typeof header === 'string' ? header.slice(0, 200) : undefined),
      traceId,
      lang,
      signal: gone.signal,
    };
    if (!/\btext\/event-stream\b/.test(req.headers.accept ?? '')) {
      sendResult(res, await parts.converse(turn), lang);
      return;
    }
    const stream = createEvents(res);
    try {
      stream.end(await parts.converse(turn, stream.delta), lang);
    } catch (error) {
      if (!res.headersSent) throw error;
      const known = error instanceof RempartError ? error : new RempartError('ERR_INTERNAL', {}, error);
      res.end(eventFrame('error', errorBody(known, lang)));
    }
  }

  async function list({ res, caller }: Exchange): Promise<void> {
    const conversations = await parts.book.list(caller.subject);
    sendJson(
      res,
      200,
      {
        conversations: conversations.map(({ id, startedAt, lastAt, messages }) => ({
          id,
          startedAt: new Date(startedAt).toISOString(),
          lastAt: new Date(lastAt).toISOString(),
          messages,
        })),
      },
      awayHeaders(),
    );
  }

  async function show({ res, caller }: Exchange, conversation: string): Promise<void> {
    const messages = await parts.book.read(caller.subject, conversation);
    if (messages === undefined) throw new RempartError('ERR_CONVERSATION_UNKNOWN');
    sendJson(
      res,
      200,
      {
        id: conversation,
        messages: messages.map(({ id, role, text, at, complete }) => ({
          id,
          role,
          text,
          at: new Date(at).toISOString(),
          complete,
        })),
      },
      awayHeaders(),
    );
  }

  async function remove({ res, caller }: Exchange, conversation: string): Promise<void> {
    if ((await parts.book.read(caller.subject, conversation)) === undefined)
      throw new RempartError('ERR_CONVERSATION_UNKNOWN');
    await parts.book.remove(caller.subject, conversation);
    res.writeHead(204).end();
  }

  async function showSettings({ res, caller }: Exchange): Promise<void> {
    sendJson(res, 200, await parts.book.settings(caller.subject), awayHeaders());
  }

  async function putSettings({ req, res, caller }: Exchange): Promise<void> {
    const body = await readJson(req, settings.maxBodyBytes);
    const current = await parts.book.settings(caller.subject);
    const { lang = current.lang, answers = current.answers, ...others } = body;
    const unknown = Object.keys(others)[0];
    if (unknown !== undefined) throw new RempartError('ERR_BODY_INVALID', { what: unknown });
    if (lang !== null && lang !== 'fr' && lang !== 'en') throw new RempartError('ERR_BODY_INVALID', { what: 'lang' });
    if (answers !== 'normal' && answers !== 'short' && answers !== 'detailed')
      throw new RempartError('ERR_BODY_INVALID', { what: 'answers' });
    const wanted: Settings = { lang, answers };
    await parts.book.putSettings(caller.subject, wanted);
    sendJson(res, 200, wanted, awayHeaders());
  }

  async function login(req: IncomingMessage, res: ServerResponse): Promise<void> {
    if (req.method !== 'POST') throw new RempartError('ERR_METHOD_NOT_ALLOWED', { method: req.method ?? '' });
    const body = await readJson(req, settings.maxBodyBytes);
    const password = textField(body, 'password', 200);
    const key = textField(body, 'key', 200);
    const given = { ...(password === undefined ? {} : { password }), ...(key === undefined ? {} : { key }) };
    const { token, expiresAt } = await parts.login(given, req.socket.remoteAddress ?? '');
    sendJson(res, 200, { token, expiresAt: new Date(expiresAt).toISOString() });
  }

  function awayHeaders(): Record<string, string> {
    return parts.book.away() ? { 'x-rempart-degraded': 'memory' } : {};
  }
}

async function only(method: string, handlers: Readonly<Record<string, () => Promise<void>>>): Promise<void> {
  const handler = Object.hasOwn(handlers, method) ? handlers[method] : undefined;
  if (handler === undefined) throw new RempartError('ERR_METHOD_NOT_ALLOWED', { method });
  await handler();
}

function headersOf(result: TurnResult): Record<string, string> {
  if (result.kind === 'aborted') return {};
  const headers: Record<string, string> = {};
  if (result.retryAfterSeconds !== undefined) headers['retry-after'] = String(result.retryAfterSeconds);
  if (result.kind === 'reply' && result.modes.length > 0) headers['x-rempart-degraded'] = result.modes.join(', ');
  return headers;
}

function bodyOf(result: Extract<TurnResult, { kind: 'reply' }>) {
  const { reply, conversation, degraded } = result;
  return { reply, conversation, ...(degraded === undefined ? {} : { degraded }) };
}

function cutBody(result: Extract<TurnResult, { kind: 'cut' }>, lang: Lang) {
  const { error } = errorBody(result.error, lang);
  return { error: { ...error, todo: result.notice }, conversation: result.conversation };
}

function sendResult(res: ServerResponse, result: TurnResult, lang: Lang): void {
  if (result.kind === 'reply') sendJson(res, 200, bodyOf(result), headersOf(result));
  if (result.kind === 'cut') sendJson(res, result.error.http, cutBody(result, lang), headersOf(result));
  if (result.kind === 'aborted') res.destroy();
}

/** Answers as events; the headers wait for the first words, so that they can still say what is not as usual. */
function createEvents(res: ServerResponse) {
  let begun = false;
  const begin = (headers: Record<string, string>) => {
    if (begun) return;
    begun = true;
    res.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store', ...headers });
  };
  return {
    delta(text: string): void {
      begin({});
      res.write(eventFrame('delta', { text }));
    },
    end(result: TurnResult, lang: Lang): void {
      if (result.kind === 'aborted') {
        res.destroy();
        return;
      }
      const streamed = begun;
      begin(headersOf(result));
      if (result.kind === 'cut') res.end(eventFrame('error', cutBody(result, lang)));
      else {
        if (!streamed) res.write(eventFrame('delta', { text: result.reply }));
        res.end(eventFrame('done', bodyOf(result)));
      }
    },
  };
}
