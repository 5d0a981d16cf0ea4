// The data plane's one server: the chatbot's addresses, a word on health for those who watch, everything else the gateway's.
import { once } from 'node:events';
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import { RempartError } from '../platform/base/errors.ts';
import { createLimitedServer, type ServerLimits } from '../platform/base/limited-server.ts';
import { atTurnEnd } from '../platform/base/turn-end.ts';
import type { TextKey } from '../platform/i18n/say.ts';
import type { Front } from './gateway/front/front.ts';

/** What anybody may know: no version, host, path or cause. */
export interface PublicHealth {
  status: 'ok' | 'degraded';
  store: 'ok' | 'away';
  assistant: 'ok' | 'degraded' | 'away';
  host: 'ok' | 'overloaded';
}

export interface DataPlaneParts {
  gateway: { handle(req: IncomingMessage, res: ServerResponse): void | Promise<void> };
  chatbot: { handle(req: IncomingMessage, res: ServerResponse): Promise<boolean> };
  health: () => PublicHealth;
  /** With it, only what it admits is answered. */
  front?: Pick<Front, 'admit' | 'manners'>;
  limits?: Partial<ServerLimits>;
  /** Headers of one request at most. */
  maxHeaders?: number;
}

export function createDataPlane({ gateway, chatbot, health, front, limits, maxHeaders }: DataPlaneParts): Server {
  const listener: RequestListener = (req, res) => {
    if (front?.admit(req, res) === false) return;
    const path = (req.url ?? '').split('?', 1)[0];
    if (path === '/health' && (req.method === 'GET' || req.method === 'HEAD')) {
      res.writeHead(200, { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' });
      res.end(req.method === 'HEAD' ? undefined : JSON.stringify(health()));
      return;
    }
    if (path !== '/chat' && !path?.startsWith('/chat/')) void gateway.handle(req, res);
    else void chatbot.handle(req, res).then((answered) => (answered ? undefined : gateway.handle(req, res)));
  };
  const inTurn: RequestListener = (req, res) =>
    atTurnEnd(() => {
      // Who has gone meanwhile is owed nothing, and its end would never be heard of.
      if (!res.destroyed && !req.socket.destroyed) listener(req, res);
    });
  const server = createLimitedServer(inTurn, limits, front?.manners);
  // One more than are taken: the server drops those beyond without a word, and a header that is not seen is not judged.
  if (maxHeaders !== undefined) server.maxHeadersCount = maxHeaders + 1;
  return server;
}

const unusable: Readonly<Record<string, TextKey>> = {
  EACCES: 'issue.listen.EACCES',
  EADDRNOTAVAIL: 'issue.listen.EADDRNOTAVAIL',
  EAI_AGAIN: 'issue.listen.ENOTFOUND',
  ENOTFOUND: 'issue.listen.ENOTFOUND',
};

/** Listens, or throws ERR_PORT_BUSY with the flag that changes the port, ERR_LISTEN with the setting to correct. Returns the origin. */
export async function listen(
  server: Server,
  { host, port, flag, setting }: { host: string; port: number; flag: string; setting: string },
): Promise<string> {
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE') throw new RempartError('ERR_PORT_BUSY', { port, host, flag }, error);
    const what = { key: unusable[code] ?? 'issue.file', facts: { code } } as const;
    throw new RempartError(
      'ERR_LISTEN',
      { port, host, what, setting: code === 'EACCES' ? `${setting}.port` : `${setting}.host` },
      error,
    );
  }
  const address = server.address();
  const actual = typeof address === 'object' && address !== null ? address.port : port;
  return `http://${host.includes(':') ? `[${host}]` : host}:${actual}`;
}

/** No new connection; those at work get until `withinMs`. */
export async function drain(server: Server, withinMs: number): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, 'close');
  server.close();
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), withinMs);
  await closed;
  clearTimeout(timer);
}
