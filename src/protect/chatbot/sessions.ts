// Sessions of people who logged in: a random token for them, only its hash here; they need no store.
import { createHash, randomBytes } from 'node:crypto';
import type { Role } from '../gateway/ask.ts';

export interface Session {
  /** Public: fit for the journal. */
  id: string;
  subject: string;
  role: Role;
  /** The id of the API key that opened it: it is good no longer than the key is. */
  key?: string;
}

export interface Sessions {
  /** A new token for the caller. */
  open(who: Omit<Session, 'id'>): { token: string; expiresAt: number; session: Session };
  /** Whose token it is, while it is good. */
  find(token: string): Session | undefined;
  end(token: string): void;
  /** Returns how many there were. */
  endAll(subject: string): number;
}

const lifetimeMs = 12 * 3_600_000;
const maxSessions = 1_000;
export const sessionPrefix = 'rps_';

export function createSessions(now: () => number): Sessions {
  const sessions = new Map<string, Session & { expiresAt: number }>();
  const hashOf = (token: string) => createHash('sha256').update(token).digest('base64url');
  return {
    open(who) {
      const token = `${sessionPrefix}${randomBytes(24).toString('base64url')}`;
      const expiresAt = now() + lifetimeMs;
      const hash = hashOf(token);
      const session = { ...who, id: `session-${hash.slice(0, 8)}` };
      sessions.set(hash, { ...session, expiresAt });
      const [oldest] = sessions.keys();
      if (sessions.size > maxSessions && oldest !== undefined) sessions.delete(oldest);
      return { token, expiresAt, session };
    },
    find(token) {
      if (!token.startsWith(sessionPrefix)) return undefined;
      const hash = hashOf(token);
      const session = sessions.get(hash);
      if (session === undefined || session.expiresAt <= now()) {
        sessions.delete(hash);
        return undefined;
      }
      const { expiresAt: _, ...shown } = session;
      return shown;
    },
    end: (token) => {
      sessions.delete(hashOf(token));
    },
    endAll(subject) {
      const own = [...sessions].filter(([, session]) => session.subject === subject);
      for (const [hash] of own) sessions.delete(hash);
      return own.length;
    },
  };
}
