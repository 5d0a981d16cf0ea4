// Who may come in: by API key or by a session that a password or a key opened.
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { RempartError } from '../platform/base/errors.ts';
import { type Session, type Sessions, sessionPrefix } from './chatbot/sessions.ts';
import { createGate } from './gate.ts';
import type { Caller } from './gateway/ask.ts';
import { callerOfKey, createIdentify, type Identify } from './gateway/authenticate.ts';
import { type FailedAuth, refusalOf } from './gateway/failed-auth.ts';
import type { KeyRecord, Keys } from './gateway/keys.ts';
import { checkScopes } from './gateway/scopes.ts';
import { sourceAddress } from './gateway/source-network.ts';
import type { RecordActivity } from './record-activity.ts';

/** What is known of an attempt to log in before it is looked at: it counts as failed until it is told otherwise. */
export interface LoginAttempt {
  succeeded(): void;
  notTried(): void;
}

export interface AccessParts {
  keys: Keys;
  /** Default: by the keys alone. */
  identify?: Identify;
  sessions: Sessions;
  checkPassword: (password: string) => Promise<boolean>;
  /** Throws ERR_RATE_LIMITED when an address failed too often. */
  limit: { attempt(what: 'password' | 'key', address: string): LoginAttempt };
  failedAuth: (failure: FailedAuth) => void;
  record: RecordActivity;
  now: () => number;
}

export interface Access {
  /** Throws ERR_KEY_MISSING, ERR_KEY_INVALID; such a failure is counted, journalled and signalled. */
  authenticate(req: IncomingMessage): Promise<Caller>;
  /** The caller of a session's token; undefined when it, or the key that opened it, is no longer good. */
  ofSession(token: string, address: string): Caller | undefined;
  /** Throws ERR_KEY_INVALID, ERR_RATE_LIMITED. */
  login(given: { password?: string; key?: string }, address: string): Promise<{ token: string; expiresAt: number }>;
  logout(token: string, address: string): Promise<void>;
}

/** A check takes 64 MiB and a core for a moment: many at once would be an attack by themselves. */
const checksAtOnce = { limit: () => 2, maxWaiting: 32, maxWaitMs: 10_000, retryAfterSeconds: 2 };

export function createAccess(parts: AccessParts): Access {
  const { keys, sessions, limit, failedAuth, record, now } = parts;
  const identify = parts.identify ?? createIdentify({ keys });
  const checks = createGate(checksAtOnce);

  function goodKey(id: string): KeyRecord | undefined {
    const found = keys.list().find((key) => key.id === id);
    if (found === undefined || found.revokedAt !== undefined) return undefined;
    return found.expiresAt !== undefined && found.expiresAt <= now() ? undefined : found;
  }

  function callerOf(session: Session, address: string): Caller | undefined {
    const { id, subject, role, key } = session;
    if (key === undefined) return { subject, role, credential: id, sourceIp: address };
    const opener = goodKey(key);
    if (opener === undefined) return undefined;
    return { ...callerOfKey(opener, address), subject, role, credential: `${key}/${id}` };
  }

  function ofSession(token: string, address: string): Caller | undefined {
    const session = sessions.find(token);
    const caller = session && callerOf(session, address);
    if (caller === undefined) sessions.end(token);
    return caller;
  }

  async function whose(given: Given): Promise<Omit<Session, 'id'> | undefined> {
    if (given.what === 'password') {
      const right = await checks.admit('user', () => parts.checkPassword(given.secret));
      return right ? { subject: 'admin', role: 'admin' } : undefined;
    }
    const found = keys.find(given.secret);
    if (found.kind !== 'accepted') return undefined;
    const { subject, role, id } = found.record;
    return { subject, role, key: id };
  }

  function attempt(given: Given, address: string): LoginAttempt {
    try {
      return limit.attempt(given.what, address);
    } catch (error) {
      failedAuth({ requestId: randomUUID(), sourceIp: address, reason: 'locked-out' });
      throw error;
    }
  }

  return {
    async authenticate(req) {
      const source = { requestId: randomUUID(), sourceIp: sourceAddress(req) };
      const token = /^bearer (.+)$/i.exec(req.headers.authorization ?? '')?.[1] ?? '';
      // A key that the configuration gives may begin with the same letters.
      if (token.startsWith(sessionPrefix) && keys.find(token).kind === 'unknown') {
        const key = sessions.find(token)?.key;
        const caller = ofSession(token, source.sourceIp);
        if (caller !== undefined) return within(caller, req);
        failedAuth({ ...source, reason: 'expired', ...(key === undefined ? {} : { credential: key }) });
        throw new RempartError('ERR_KEY_INVALID');
      }
      const found = await identify(req);
      if (found.kind === 'known') return within(found.caller, req);
      throw refusalOf(found, source, failedAuth);
    },
    ofSession,
    async login(body, address) {
      const given = givenOf(body);
      const counted = attempt(given, address);
      let who: Omit<Session, 'id'> | undefined;
      try {
        who = await whose(given);
      } catch (error) {
        counted.notTried();
        throw error;
      }
      if (who === undefined) {
        failedAuth({ requestId: randomUUID(), sourceIp: address, reason: 'login' });
        throw new RempartError('ERR_KEY_INVALID');
      }
      counted.succeeded();
      const { token, expiresAt, session } = sessions.open(who);
      try {
        const credential = session.key === undefined ? session.id : `${session.key}/${session.id}`;
        await record.session({ activity: 'logon', caller: { ...who, credential, sourceIp: address } });
      } catch (error) {
        sessions.end(token);
        throw error;
      }
      return { token, expiresAt };
    },
    async logout(token, address) {
      const caller = ofSession(token, address);
      sessions.end(token);
      if (caller !== undefined) await record.session({ activity: 'logoff', caller });
    },
  };
}

/** Throws ERR_SCOPE_ROUTE where the caller's key was not made for this address. */
function within(caller: Caller, { method = '', url = '' }: IncomingMessage): Caller {
  checkScopes(caller.scopes, { operation: `${method} ${url.split('?', 1)[0]}` });
  return caller;
}

interface Given {
  what: 'password' | 'key';
  secret: string;
}

function givenOf({ password, key }: { password?: string; key?: string }): Given {
  if (key !== undefined) return { what: 'key', secret: key };
  if (password !== undefined) return { what: 'password', secret: password };
  throw new RempartError('ERR_BODY_INVALID', { what: 'password' });
}
