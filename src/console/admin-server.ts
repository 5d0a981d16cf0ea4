// The admin side over HTTP: the console's page and its API, health for machines, metrics.
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { type Context, Hono, type MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import { secureHeaders } from 'hono/secure-headers';
import { z } from 'zod';
import { explainError, RempartError } from '../platform/base/errors.ts';
import type { Log } from '../platform/base/log.ts';
import { acceptedLang, catalogues, type Lang } from '../platform/i18n/say.ts';
import { isStorable } from '../protect/chatbot/exchange.ts';
import { parseStrictJson } from '../protect/gateway/strict-json.ts';
import type { Readiness, Status } from './status.ts';

export interface AdminParts {
  lang: Lang;
  /** Host names under which the console may be asked for: against DNS rebinding. */
  hosts: readonly string[];
  readiness: () => Readiness;
  status: () => Promise<Status>;
  /** The document under the key `security_dashboard`. */
  dashboard: () => Promise<object>;
  metrics: () => Promise<{ type: string; text: string }>;
  /** A session for the admin password; throws ERR_KEY_INVALID, ERR_RATE_LIMITED. */
  login: (password: string, address: string) => Promise<{ token: string; expiresAt: number }>;
  /** Whether the token is of a session that may read the console. */
  mayRead: (token: string) => boolean;
  /** Reads the configuration anew; throws ERR_FORBIDDEN for who is no admin, and what is wrong with the file. */
  reload?: (token: string) => Promise<object>;
  logout: (token: string, address: string) => Promise<void>;
  chat: (question: ChatQuestion, token: string, address: string) => Promise<object>;
  /** Where a question that waits stands. */
  deferred: (id: string, lang: Lang, token: string, address: string) => Promise<object>;
  log: Log;
}

export interface ChatQuestion {
  message: string;
  conversation?: string | undefined;
  lang: Lang;
  signal: AbortSignal;
}

const cookie = 'rempart_session';
const pages: Readonly<Record<string, { file: string; type: string }>> = {
  '/': { file: 'index.html', type: 'text/html; charset=utf-8' },
  '/console.css': { file: 'console.css', type: 'text/css; charset=utf-8' },
  '/console.js': { file: 'console.js', type: 'text/javascript; charset=utf-8' },
  '/icon.svg': { file: 'icon.svg', type: 'image/svg+xml' },
};
const webDirectory = join(import.meta.dirname, '..', '..', 'web');
const loginBody = z.strictObject({ password: z.string().min(1).max(200) });
const chatBody = z.strictObject({
  message: z.string().trim().min(1).max(32_000).refine(isStorable),
  conversation: z.string().max(100).refine(isStorable).optional(),
});

/** The Hono app; `address` tells who asks. */
export function createAdminServer(parts: AdminParts, address: (c: Context) => string): Hono {
  const app = new Hono();
  app.use(knownHost(parts.hosts), secureHeaders({ ...policy, strictTransportSecurity: false }), smallBody);
  app.onError((error, c) => {
    const lang = acceptedLang(c.req.header('accept-language'), parts.lang);
    if (!(error instanceof RempartError)) parts.log.error({ err: error }, 'a console request failed');
    return errorResponse(error instanceof RempartError ? error : new RempartError('ERR_INTERNAL', {}, error), lang);
  });
  app.notFound((c) =>
    errorResponse(new RempartError('ERR_NOT_FOUND'), acceptedLang(c.req.header('accept-language'), parts.lang)),
  );
  for (const [path, { file, type }] of Object.entries(pages))
    app.get(path, (c) =>
      c.body(readFileSync(join(webDirectory, file)), 200, { 'content-type': type, 'cache-control': 'no-cache' }),
    );
  machineRoutes(app, parts);
  sessionRoutes(app, parts, address);
  const inside = loggedIn(parts);
  app.get('/api/status', inside, async (c) => c.json(await parts.status()));
  app.get('/api/dashboard', inside, async (c) => c.json(await parts.dashboard()));
  const { reload } = parts;
  if (reload !== undefined)
    app.post('/api/reload', inside, sameOrigin, async (c) => c.json(await reload(getCookie(c, cookie) ?? '')));
  app.post('/api/chat', inside, sameOrigin, async (c) => {
    const { message, conversation } = await readBody(c, chatBody);
    const lang = acceptedLang(c.req.header('accept-language'), parts.lang);
    const question = { message, conversation, lang, signal: c.req.raw.signal };
    return c.json(await parts.chat(question, getCookie(c, cookie) ?? '', address(c)));
  });
  app.get('/api/chat/deferred/:id', inside, async (c) => {
    const lang = acceptedLang(c.req.header('accept-language'), parts.lang);
    return c.json(await parts.deferred(c.req.param('id'), lang, getCookie(c, cookie) ?? '', address(c)));
  });
  return app;
}

function machineRoutes(app: Hono, parts: AdminParts): void {
  app.get('/healthz', (c) => c.json({ status: 'ok' }));
  app.get('/readyz', (c) => {
    const readiness = parts.readiness();
    return c.json(readiness, readiness.status === 'unavailable' ? 503 : 200);
  });
  app.get('/metrics', async (c) => {
    const { type, text } = await parts.metrics();
    return c.body(text, 200, { 'content-type': type });
  });
}

function sessionRoutes(app: Hono, parts: AdminParts, address: (c: Context) => string): void {
  app.get('/api/texts/:lang', (c) => {
    const lang = c.req.param('lang') === 'fr' ? 'fr' : 'en';
    const own = Object.entries(catalogues[lang]).filter(([key]) => key.startsWith('console.'));
    return c.json(Object.fromEntries(own));
  });
  app.get('/api/session', (c) => c.json({ loggedIn: parts.mayRead(getCookie(c, cookie) ?? ''), lang: parts.lang }));
  app.post('/api/login', sameOrigin, async (c) => {
    const { password } = await readBody(c, loginBody);
    const { token, expiresAt } = await parts.login(password, address(c));
    setCookie(c, cookie, token, { httpOnly: true, sameSite: 'Strict', path: '/', expires: new Date(expiresAt) });
    return c.json({ loggedIn: true });
  });
  app.post('/api/logout', sameOrigin, async (c) => {
    const token = getCookie(c, cookie) ?? '';
    deleteCookie(c, cookie, { path: '/' });
    await parts.logout(token, address(c));
    return c.json({ loggedIn: false });
  });
}

/** Nothing from elsewhere, nothing inline, in no frame. */
const policy = {
  contentSecurityPolicy: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'"],
    imgSrc: ["'self'"],
    connectSrc: ["'self'"],
    formAction: ["'self'"],
    baseUri: ["'none'"],
    frameAncestors: ["'none'"],
  },
  referrerPolicy: 'no-referrer' as const,
};

/** A page of another site whose name was made to point here still names itself in Host; an address cannot be made to. */
function knownHost(hosts: readonly string[]): MiddlewareHandler {
  const names = new Set(['localhost', ...hosts]);
  return async (c, next) => {
    const name = (c.req.header('host') ?? '').replace(/:\d+$/, '').toLowerCase();
    if (!names.has(name) && isIP(name.replace(/^\[(.*)\]$/, '$1')) === 0) throw new RempartError('ERR_FORBIDDEN');
    await next();
  };
}

/** Fetch Metadata (W3C): what changes something comes from the page itself, or from no browser. */
const sameOrigin: MiddlewareHandler = async (c, next) => {
  const site = c.req.header('sec-fetch-site');
  if (site !== undefined && site !== 'same-origin') throw new RempartError('ERR_FORBIDDEN');
  await next();
};

const maxBodyBytes = 64 * 1024;
const maxBodyDepth = 8;
/** Before anything reads it: whoever is not logged in could otherwise fill the memory. */
const smallBody = bodyLimit({
  maxSize: maxBodyBytes,
  onError: () => {
    throw new RempartError('ERR_BODY_TOO_LARGE', { limit: maxBodyBytes });
  },
});

function loggedIn(parts: AdminParts): MiddlewareHandler {
  return async (c, next) => {
    if (!parts.mayRead(getCookie(c, cookie) ?? '')) throw new RempartError('ERR_KEY_MISSING');
    await next();
  };
}

async function readBody<T>(c: Context, schema: z.ZodType<T>): Promise<T> {
  if (!/^application\/json\s*(;|$)/i.test(c.req.header('content-type') ?? ''))
    throw new RempartError('ERR_BODY_ENCODING');
  const body = parseStrictJson(Buffer.from(await c.req.arrayBuffer()), maxBodyDepth);
  const parsed = schema.safeParse(body);
  if (!parsed.success)
    throw new RempartError('ERR_BODY_INVALID', { what: parsed.error.issues[0]?.path.join('.') || '{…}' });
  return parsed.data;
}

function errorResponse(error: RempartError, lang: Lang): Response {
  const { says, todo } = explainError(error, lang);
  const seconds = error.facts['seconds'];
  const headers: Record<string, string> = seconds === undefined ? {} : { 'retry-after': String(seconds) };
  return Response.json({ error: { code: error.code, message: says, todo } }, { status: error.http, headers });
}
