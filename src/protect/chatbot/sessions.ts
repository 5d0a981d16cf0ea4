// Sessions of people who logged in: a random token for them, only its hash here; they need no store.
import { createHash, randomBytes } from 'node:crypto';
import type { Caller } from '../gateway/ask.ts';

export interface Sessions {
  /** A new token for the caller, good for `hours`. */
  open(caller: Pick<Caller, 'subject' | 'role'>): { token: string; expiresAt: number };
  /** Whose token it is, while it is good. */
  find(token: string): Pick<Caller, 'subject' | 'role' | 'credential'> | undefined;
  end(token: string): void;
}

const lifetimeMs = 12 * 3_600_000;
const maxSessions = 1_000;
export const sessionPrefix = 'rps_';

export function createSessions(now: () => number): Sessions {
  const sessions = new Map<string, { subject: string; role: Caller['role']; expiresAt: number }>();
  const hashOf = (token: string) => createHash('sha256').update(token).digest('base64url');
  return {
    open({ subject, role }) {
      const token = `${sessionPrefix}${randomBytes(24).toString('base64url')}`;
      const expiresAt = now() + lifetimeMs;
      sessions.set(hashOf(token), { subject, role, expiresAt });
      const [oldest] = sessions.keys();
      if (sessions.size > maxSessions && oldest !== undefined) sessions.delete(oldest);
      return { token, expiresAt };
    },
    find(token) {
      if (!token.startsWith(sessionPrefix)) return undefined;
      const hash = hashOf(token);
      const session = sessions.get(hash);
      if (session === undefined || session.expiresAt <= now()) {
        sessions.delete(hash);
        return undefined;
      }
      return { subject: session.subject, role: session.role, credential: `session-${hash.slice(0, 8)}` };
    },
    end: (token) => {
      sessions.delete(hashOf(token));
    },
  };
}
