// What can be asked about API keys from the command line: the same answers from a running instance and without one.

import type { ControlHandlers } from '../platform/base/control-socket.ts';
import { RempartError } from '../platform/base/errors.ts';
import type { JsonObject } from '../platform/base/json.ts';
import type { Role } from './gateway/ask.ts';
import type { KeyRecord, Keys } from './gateway/keys.ts';

export const roles: readonly Role[] = ['user', 'viewer', 'operator', 'admin'];

export function keyCommands(keys: Keys, now: () => number): ControlHandlers {
  return {
    async 'keys.create'({ subject, role }) {
      const known = roles.find((name) => name === role);
      if (typeof subject !== 'string' || known === undefined)
        throw new RempartError('ERR_BODY_INVALID', { what: 'role' });
      const { secret, record } = await keys.create({ subject, role: known });
      return { ...shown(record, now()), key: secret };
    },
    async 'keys.list'() {
      await keys.refresh();
      return keys.list().map((record) => shown(record, now()));
    },
    async 'keys.revoke'({ id }) {
      if (typeof id !== 'string' || !(await keys.revoke(id)))
        throw new RempartError('ERR_KEY_UNKNOWN', { id: String(id) });
      return { id };
    },
  };
}

function shown({ id, subject, role, createdAt, expiresAt, revokedAt }: KeyRecord, now: number): JsonObject {
  const state =
    revokedAt !== undefined ? 'revoked' : expiresAt !== undefined && expiresAt <= now ? 'expired' : 'active';
  return { id, subject, role, createdAt: new Date(createdAt).toISOString(), state };
}
