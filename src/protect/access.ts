// Who may come in: by API key or by a session that a password or a key opened.
import type { IncomingMessage } from 'node:http';
import { RempartError } from '../platform/base/errors.ts';
import type { Signals } from '../platform/signals.ts';
import { type Sessions, sessionPrefix } from './chatbot/sessions.ts';
import type { Caller } from './gateway/ask.ts';
import { authenticate, sourceIp } from './gateway/authenticate.ts';
import type { Keys } from './gateway/keys.ts';

export interface AccessParts {
  keys: Keys;
  sessions: Sessions;
  checkPassword: (password: string) => Promise<boolean>;
  /** Throws ERR_RATE_LIMITED when an address failed too often. */
  limit: { check(address: string): void; failed(address: string): void; succeeded(address: string): void };
  signals: Signals;
  now: () => number;
}

export interface Access {
  /** Throws ERR_KEY_MISSING, ERR_KEY_INVALID. */
  authenticate(req: IncomingMessage): Promise<Caller>;
  /** The caller of a session's token; undefined when it has ended. */
  ofSession(token: string, address: string): Caller | undefined;
  /** Throws ERR_KEY_INVALID, ERR_RATE_LIMITED. */
  login(given: { password?: string; key?: string }, address: string): Promise<{ token: string; expiresAt: number }>;
}

export function createAccess({ keys, sessions, checkPassword, limit, signals, now }: AccessParts): Access {
  async function whose({ password, key }: { password?: string; key?: string }) {
    if (key !== undefined) {
      const found = keys.find(key);
      return found.kind === 'accepted' ? { subject: found.record.subject, role: found.record.role } : undefined;
    }
    if (password === undefined) throw new RempartError('ERR_BODY_INVALID', { what: 'password' });
    return (await checkPassword(password)) ? ({ subject: 'admin', role: 'admin' } as const) : undefined;
  }

  function ofSession(token: string, address: string): Caller | undefined {
    const session = sessions.find(token);
    return session === undefined ? undefined : { ...session, sourceIp: address };
  }

  return {
    async authenticate(req) {
      const token = /^bearer (.+)$/i.exec(req.headers.authorization ?? '')?.[1] ?? '';
      const caller = token.startsWith(sessionPrefix) ? ofSession(token, sourceIp(req)) : undefined;
      if (caller !== undefined) return caller;
      const found = authenticate(req, keys);
      if (found.kind === 'known') return found.caller;
      throw new RempartError(found.kind === 'missing' ? 'ERR_KEY_MISSING' : 'ERR_KEY_INVALID');
    },
    ofSession,
    async login(given, address) {
      limit.check(address);
      const who = await whose(given);
      if (who !== undefined) {
        limit.succeeded(address);
        return sessions.open(who);
      }
      limit.failed(address);
      signals.emit({ kind: 'failed-auth', time: now(), severity: 'medium', facts: { reason: 'login' } });
      throw new RempartError('ERR_KEY_INVALID');
    },
  };
}
