// The admin server: guards, routes, and the status page at its root.
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { acceptedLang, type Lang, sayer } from '../../platform/i18n/say.ts';
import { isBrowser, isOwnHost } from './guard.ts';
import { metricsReply } from './metrics.ts';
import type { Proxies } from './proxies.ts';
import { Refusal } from './refusal.ts';
import { rempartRoutes } from './rempart-api.ts';
import { json, plainText, type Reply, refused } from './reply.ts';
import { statusOf } from './status.ts';
import { statusPage } from './status-page.ts';
import { type Route, toxiproxyRoutes } from './toxiproxy-api.ts';

export interface AdminParts {
  proxies: Proxies;
  seed: { get(): number; set(seed: number): void };
  /** The host that it is bound to. */
  host: string;
  version: string;
  metrics: boolean;
  lang: Lang;
}

const maxBodyBytes = 4 * 1024 * 1024;

export function createAdmin(parts: AdminParts): Server {
  const { proxies, seed } = parts;
  const page: Route = { method: 'GET', path: '/', handle: () => json('') };
  const routes: Route[] = [...toxiproxyRoutes(parts), ...rempartRoutes({ proxies, seed }), page];
  if (parts.metrics) routes.push({ method: 'GET', path: '/metrics', handle: () => metricsReply(proxies) });

  async function answer(req: IncomingMessage): Promise<Reply> {
    if (!isOwnHost(req.headers.host, parts.host)) return plainText(403, 'Host not allowed');
    const path = (req.url ?? '/').split('?')[0] ?? '/';
    const found = routes.flatMap((route) => {
      const names = matchPath(route.path, path);
      return names === null ? [] : [{ route, names }];
    });
    if (found.length === 0) return plainText(404, '404 page not found');
    const chosen = found.find(({ route }) => route.method === req.method);
    if (chosen === undefined) return { status: 405, headers: {}, body: '' };
    if (chosen.route === page) {
      const lang = acceptedLang(req.headers['accept-language'], parts.lang);
      return statusPage(statusOf(proxies, seed.get()), lang, sayer(lang));
    }
    const reply = await guarded(req, chosen.route, chosen.names);
    return { ...reply, headers: { 'x-toxiproxy-request-id': requestId(), ...reply.headers } };
  }

  return createServer((req, res) => {
    answer(req).then(
      (reply) => write(res, req, reply),
      () => write(res, req, refused(new Refusal(500, 'internal error'))),
    );
  });
}

async function guarded(req: IncomingMessage, route: Route, names: string[]): Promise<Reply> {
  if (isBrowser(req.headers['user-agent'])) return plainText(403, 'User agent not allowed');
  try {
    return await route.handle({ names, body: await readText(req) });
  } catch (error) {
    if (error instanceof Refusal) return refused(error);
    throw error;
  }
}

function write(res: ServerResponse, req: IncomingMessage, { status, headers, body }: Reply): void {
  // A body that nobody read would keep the connection from its next request.
  req.resume();
  const length = status === 204 || req.method === 'HEAD' ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  res.writeHead(status, { ...headers, ...length }).end(req.method === 'HEAD' ? undefined : body);
}

async function readText(req: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of req) {
    size += (chunk as Buffer).length;
    // Read to its end all the same: whoever still writes does not hear an answer.
    if (size <= maxBodyBytes) chunks.push(chunk as Buffer);
  }
  if (size > maxBodyBytes) throw new Refusal(413, 'request body too large');
  return Buffer.concat(chunks).toString('utf8');
}

/** The values of the named segments; null when the path is another one. */
function matchPath(pattern: string, path: string): string[] | null {
  const wanted = pattern.split('/');
  const given = path.split('/');
  if (wanted.length !== given.length) return null;
  const names: string[] = [];
  for (const [at, segment] of wanted.entries()) {
    const part = decode(given[at] ?? '');
    if (!segment.startsWith(':')) {
      if (part !== segment) return null;
    } else {
      if (part === null || part === '') return null;
      names.push(part);
    }
  }
  return names;
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

/** Twenty signs of a base-32 alphabet, as the original's ids. */
function requestId(): string {
  return Array.from(randomBytes(20), (byte) => '0123456789abcdefghijklmnopqrstuv'[byte & 31]).join('');
}
