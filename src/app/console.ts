// The console of a running instance: the admin server with what it shows.
import { getRequestListener, type HttpBindings } from '@hono/node-server';
import type { Config } from '../config.ts';
import { createAdminServer } from '../console/admin-server.ts';
import type { Readiness, Status } from '../console/status.ts';
import { RempartError } from '../platform/base/errors.ts';
import { createLimitedServer } from '../platform/base/limited-server.ts';
import type { Log } from '../platform/base/log.ts';
import type { Lang } from '../platform/i18n/say.ts';
import type { Access } from '../protect/access.ts';
import { createConsoleChat, createConsoleTicket } from '../protect/chatbot/console-chat.ts';
import type { Converse } from '../protect/chatbot/converse.ts';
import { drain, listen } from '../protect/data-plane.ts';
import type { Deferral } from '../protect/deferred/deferral.ts';
import type { Keys } from '../protect/gateway/keys.ts';
import type { RecordActivity } from '../protect/record-activity.ts';
import { type AtEnd, drainMs } from './options.ts';

export interface ConsoleParts {
  config: Config;
  lang: Lang;
  log: Log;
  access: Access;
  keys: Keys;
  converse: Converse;
  record: RecordActivity;
  deferral?: Deferral | undefined;
  reload?: ((by: string) => Promise<object>) | undefined;
}

export interface ConsoleView {
  readiness: () => Readiness;
  dashboard: () => Promise<object>;
  metrics: () => Promise<{ type: string; text: string }>;
  facts: () => Pick<Status, 'standin' | 'gatewayUrl' | 'outcomes'>;
}

export async function startConsole(parts: ConsoleParts, view: ConsoleView, atEnd: AtEnd): Promise<string> {
  const { config, lang, log, access, keys, converse, record, deferral, reload } = parts;
  const admin = createAdminServer(
    {
      lang,
      log,
      hosts: [config.console.host],
      ...view,
      status: async () => ({
        ...view.readiness(),
        ...view.facts(),
        keys: keys.list().map(({ id, subject, role, revokedAt }) => ({
          prefix: id,
          subject,
          role,
          revoked: revokedAt !== undefined,
        })),
      }),
      login: (password, address) => access.login({ password }, address),
      mayRead: (token) => ['admin', 'operator', 'viewer'].includes(access.ofSession(token, '')?.role ?? ''),
      ...(reload === undefined
        ? {}
        : {
            reload: async (token: string) => {
              const caller = access.ofSession(token, '');
              if (caller?.role !== 'admin') throw new RempartError('ERR_FORBIDDEN');
              return reload('console');
            },
          }),
      logout: access.logout,
      chat: createConsoleChat({ access, converse, record }),
      deferred: createConsoleTicket({ access, deferral, record, now: Date.now }),
    },
    (c) => (c.env as HttpBindings).incoming.socket.remoteAddress ?? '',
  );
  const server = createLimitedServer(getRequestListener(admin.fetch), { connections: 200 });
  const url = await listen(server, { ...config.console, flag: '--console-port', setting: 'console' });
  atEnd(() => drain(server, drainMs));
  return url;
}
