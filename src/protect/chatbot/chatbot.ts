// The built-in chatbot over HTTP: questions, history, settings and login, for the holder of a key or a session.
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { RempartError } from '../../platform/base/errors.ts';
import type { Log } from '../../platform/base/log.ts';
import { acceptedLang, type Lang } from '../../platform/i18n/say.ts';
import type { Deferral } from '../deferred/deferral.ts';
import { ticketBody } from '../deferred/ticket-body.ts';
import type { Privacy } from '../erasure/privacy.ts';
import type { Caller } from '../gateway/ask.ts';
import type { UnknownFields } from '../gateway/shape.ts';
import { sourceAddress } from '../gateway/source-network.ts';
import { limitHeaders } from '../limits/limit-headers.ts';
import type { RecordActivity, RequestFacts } from '../record-activity.ts';
import type { Book } from './book.ts';
import type { Settings } from './chat-store.ts';
import type { Converse, Turn } from './converse.ts';
import { type BodyLimits, errorBody, eventFrame, readJson, sendError, sendJson, textField } from './exchange.ts';
import { createPersonalData } from './personal-data.ts';
import { createEvents, sendResult } from './send-result.ts';
import type { TurnResult } from './turn-result.ts';

export interface ChatbotParts {
  converse: Converse;
  book: Book;
  /** The caller of a request by its key or session; throws ERR_KEY_MISSING or ERR_KEY_INVALID. */
  authenticate(req: IncomingMessage): Promise<Caller>;
  /** Before anybody is known. Throws ERR_RATE_LIMITED. */
  admitSource?: (address: string) => void;
  /** A session for a password or a key; throws ERR_KEY_INVALID, ERR_RATE_LIMITED. */
  login(given: { password?: string; key?: string }, sourceIp: string): Promise<{ token: string; expiresAt: number }>;
  record: Pick<RecordActivity, 'request'>;
  /** With it, people get a copy of their data and have it erased. */
  privacy?: Privacy;
  /** Where questions wait that cannot be answered now. */
  deferral?: Deferral | undefined;
  log: Log;
}

export interface ChatbotSettings extends BodyLimits {
  lang: Lang;
  unknownFields: UnknownFields;
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

type Activity = RequestFacts['activity'];
/** The body of a 200, or a 204. */
type Reply = object | 'nothing';
type Handler = { kind: 'ask' } | { kind: Activity; work: () => Promise<Reply> };

const maxMessageLength = 32_000;

export function createChatbot(parts: ChatbotParts, settings: ChatbotSettings): Chatbot {
  const data = createPersonalData(parts.book, parts.privacy);
  return {
    async handle(req, res) {
      const path = (req.url ?? '').split('?', 1)[0] ?? '';
      if (path !== '/chat' && !path.startsWith('/chat/')) return false;
      const traceId = randomUUID();
      res.setHeader('x-request-id', traceId);
      let lang = acceptedLang(req.headers['accept-language'], settings.lang);
      try {
        parts.admitSource?.(sourceAddress(req));
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
    const method = exchange.req.method ?? '';
    const place = placeOf(path, exchange);
    const handler = Object.hasOwn(place.methods, method) ? place.methods[method] : undefined;
    if (handler === undefined)
      return recorded(exchange, `${method} ${place.name}`, 'read', async () => {
        if (Object.keys(place.methods).length === 0) throw new RempartError('ERR_NOT_FOUND');
        throw new RempartError('ERR_METHOD_NOT_ALLOWED', { method });
      });
    if (handler.kind === 'ask') return ask(exchange);
    return recorded(exchange, `${method} ${place.name}`, handler.kind, handler.work);
  }

  /** What can be done at an address; nothing where there is none. */
  function placeOf(path: string, exchange: Exchange): { name: string; methods: Readonly<Record<string, Handler>> } {
    const [, , area, id, ...more] = path.split('/');
    if (area === undefined) return { name: '/chat', methods: { POST: { kind: 'ask' } } };
    if (area === 'settings' && id === undefined)
      return {
        name: '/chat/settings',
        methods: {
          GET: { kind: 'read', work: () => showSettings(exchange) },
          PUT: { kind: 'update', work: () => putSettings(exchange) },
        },
      };
    if (area === 'conversations' && id === undefined)
      return { name: '/chat/conversations', methods: { GET: { kind: 'read', work: () => list(exchange) } } };
    if (area === 'conversations' && id !== undefined && more.length === 0)
      return {
        name: '/chat/conversations/ID',
        methods: {
          GET: { kind: 'read', work: () => show(exchange, id) },
          DELETE: {
            kind: 'delete',
            async work() {
              await data.eraseConversation(exchange.caller, id);
              return 'nothing';
            },
          },
        },
      };
    const whose = area === 'data' && id === undefined ? exchange.caller.subject : area === 'subjects' ? id : undefined;
    if (whose !== undefined && more.length === 0)
      return dataOf(area === 'data' ? '/chat/data' : '/chat/subjects/ID', exchange, whose);
    if (area === 'deferred' && id !== undefined && more.length === 0)
      return {
        name: '/chat/deferred/ID',
        methods: {
          GET: { kind: 'read', work: () => showWaiting(exchange, id) },
          DELETE: { kind: 'delete', work: () => stopWaiting(exchange, id) },
        },
      };
    return { name: '/chat/other', methods: {} };
  }

  function dataOf(name: string, { req, caller }: Exchange, given: string) {
    const subject = name === '/chat/data' ? given : decoded(given);
    const withKeys = new URL(req.url ?? '', 'http://x').searchParams.get('keys') === 'revoke';
    const methods: Record<string, Handler> = {
      GET: { kind: 'read', work: () => data.export(caller, subject) },
      DELETE: { kind: 'delete', work: () => data.erase(caller, subject, withKeys) },
    };
    return { name, methods };
  }

  /** Nothing of the answer leaves before its record is on disk. */
  async function recorded(
    { res, caller, traceId }: Exchange,
    operation: string,
    activity: Activity,
    work: () => Promise<Reply>,
  ): Promise<void> {
    const facts = { activity, operation, caller, requestId: traceId };
    let reply: Reply;
    try {
      reply = await work();
    } catch (error) {
      await parts.record.request({ ...facts, error });
      throw error;
    }
    await parts.record.request(facts);
    if (reply === 'nothing') res.writeHead(204).end();
    else sendJson(res, 200, reply, parts.book.away() ? { 'x-rempart-degraded': 'memory' } : {});
  }

  async function ask(exchange: Exchange): Promise<void> {
    const { req, res, caller, lang, traceId } = exchange;
    const facts = { activity: 'create', operation: 'POST /chat', caller, requestId: traceId } as const;
    const streamed = /\btext\/event-stream\b/.test(req.headers.accept ?? '');
    const stream = createEvents(res);
    try {
      const turn = await readTurn(exchange);
      const result = await parts.converse(turn, streamed ? stream.delta : undefined);
      if (result.kind === 'reply') await recordUnasked(facts, result);
      if (streamed) stream.end(result, lang);
      else sendResult(res, result, lang);
    } catch (error) {
      const written = parts.record.request({ ...facts, error });
      if (!res.headersSent) {
        await written;
        throw error;
      }
      const known = error instanceof RempartError ? error : new RempartError('ERR_INTERNAL', {}, error);
      res.end(eventFrame('error', errorBody(known, lang)));
      written.catch((err: unknown) => parts.log.error({ err }, 'a refused question could not be journalled'));
    }
  }

  /** What the model was asked is on disk already, by the gateway; what was answered without it is not. */
  async function recordUnasked(facts: RequestFacts, { replayed, modes }: Extract<TurnResult, { kind: 'reply' }>) {
    if (replayed) await parts.record.request({ ...facts, unmapped: { replayed } });
    else if (modes.includes('local') || modes.includes('cache'))
      // Not waited for: a journal that cannot be written is one reason for such an answer.
      parts.record
        .request({ ...facts, unmapped: { degraded: modes.join(',') } })
        .catch((err: unknown) => parts.log.error({ err }, 'a limited answer could not be journalled'));
  }

  async function readTurn({ req, res, caller, lang, traceId }: Exchange): Promise<Turn> {
    const body = await readJson(req, settings, ['message', 'conversation', 'id'], settings.unknownFields);
    const message = textField(body, 'message', maxMessageLength);
    if (message === undefined || message.trim() === '') throw new RempartError('ERR_BODY_INVALID', { what: 'message' });
    const header = req.headers['idempotency-key'];
    const gone = new AbortController();
    res.on('close', () => {
      if (!res.writableFinished) gone.abort();
    });
    return {
      caller,
      message,
      conversation: textField(body, 'conversation', 100),
      requestId: textField(body, 'id', 200) ?? (typeof header === 'string' ? header.slice(0, 200) : undefined),
      traceId,
      lang,
      signal: gone.signal,
      granted: (standings) => {
        if (!res.headersSent) limitHeaders(standings, (name, value) => res.setHeader(name, value));
      },
    };
  }

  async function list({ caller }: Exchange): Promise<Reply> {
    const conversations = await parts.book.list(caller.subject);
    return {
      conversations: conversations.map(({ id, startedAt, lastAt, messages }) => ({
        id,
        startedAt: new Date(startedAt).toISOString(),
        lastAt: new Date(lastAt).toISOString(),
        messages,
      })),
    };
  }

  async function show({ caller }: Exchange, conversation: string): Promise<Reply> {
    const messages = await parts.book.read(caller.subject, conversation);
    if (messages === undefined) throw new RempartError('ERR_CONVERSATION_UNKNOWN');
    return {
      id: conversation,
      messages: messages.map(({ id, role, text, at, complete }) => ({
        id,
        role,
        text,
        at: new Date(at).toISOString(),
        complete,
      })),
    };
  }

  async function showWaiting({ caller, lang, res }: Exchange, id: string): Promise<Reply> {
    const ticket = await parts.deferral?.find(caller.subject, id);
    if (ticket === undefined) throw new RempartError('ERR_DEFERRED_UNKNOWN');
    if (ticket.endedAt !== undefined)
      res.once('finish', () => void parts.deferral?.delivered(id).catch(() => undefined));
    return ticketBody(ticket, lang, Date.now());
  }

  async function stopWaiting({ caller, lang }: Exchange, id: string): Promise<Reply> {
    const ticket = await parts.deferral?.cancel(caller.subject, id);
    if (ticket === undefined) throw new RempartError('ERR_DEFERRED_UNKNOWN');
    return ticketBody(ticket, lang, Date.now());
  }

  async function showSettings({ caller }: Exchange): Promise<Reply> {
    return { ...(await parts.book.settings(caller.subject)) };
  }

  async function putSettings({ req, caller }: Exchange): Promise<Reply> {
    const body = await readJson(req, settings, ['lang', 'answers'], 'refuse');
    const current = await parts.book.settings(caller.subject);
    const { lang = current.lang, answers = current.answers } = body;
    if (lang !== null && lang !== 'fr' && lang !== 'en') throw new RempartError('ERR_BODY_INVALID', { what: 'lang' });
    if (answers !== 'normal' && answers !== 'short' && answers !== 'detailed')
      throw new RempartError('ERR_BODY_INVALID', { what: 'answers' });
    const wanted: Settings = { lang, answers };
    await parts.book.putSettings(caller.subject, wanted);
    return { ...wanted };
  }

  async function login(req: IncomingMessage, res: ServerResponse): Promise<void> {
    if (req.method !== 'POST') throw new RempartError('ERR_METHOD_NOT_ALLOWED', { method: req.method ?? '' });
    const body = await readJson(req, settings, ['password', 'key'], settings.unknownFields);
    const password = textField(body, 'password', 200);
    const key = textField(body, 'key', 200);
    const given = { ...(password === undefined ? {} : { password }), ...(key === undefined ? {} : { key }) };
    const { token, expiresAt } = await parts.login(given, sourceAddress(req));
    sendJson(res, 200, { token, expiresAt: new Date(expiresAt).toISOString() });
  }
}

/** A subject as an address spells it; what is spelled wrongly is nobody's name. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}
