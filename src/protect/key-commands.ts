// What can be asked about API keys from the command line: the same answers from a running instance and without one.

import type { ControlHandlers } from '../platform/base/control-socket.ts';
import { RempartError } from '../platform/base/errors.ts';
import type { JsonObject } from '../platform/base/json.ts';
import { isSubject, printable } from '../platform/base/subject.ts';
import type { Role } from './gateway/ask.ts';
import type { KeyRecord, Keys, NewKey } from './gateway/keys.ts';
import type { RecordActivity } from './record-activity.ts';

export const roles: readonly Role[] = ['user', 'viewer', 'operator', 'admin'];

export interface KeyCommandsParts {
  keys: Keys;
  record: Pick<RecordActivity, 'keyChange'>;
  now: () => number;
}

export function keyCommands({ keys, record, now }: KeyCommandsParts): ControlHandlers {
  return {
    async 'keys.create'({ subject, role }) {
      const known = roles.find((name) => name === role);
      if (known === undefined) throw new RempartError('ERR_BODY_INVALID', { what: 'role' });
      if (typeof subject !== 'string' || !isSubject(subject))
        throw new RempartError('ERR_BODY_INVALID', { what: 'subject' });
      const made = await createKey(keys, record, { subject, role: known });
      return { ...shown(made.record, now()), key: made.secret };
    },
    async 'keys.list'() {
      await keys.refresh();
      return keys.list().map((key) => shown(key, now()));
    },
    async 'keys.revoke'({ id }) {
      const known = keys.list().find((key) => key.id === id);
      if (typeof id !== 'string' || known === undefined || !(await keys.revoke(id)))
        throw new RempartError('ERR_KEY_UNKNOWN', { id: String(id) });
      await record.keyChange({ activity: 'delete', id, subject: known.subject, role: known.role });
      return { id };
    },
  };
}

/** A new key and its record in the journal: without the one there is not the other. */
export async function createKey(keys: Keys, record: Pick<RecordActivity, 'keyChange'>, wanted: NewKey) {
  const made = await keys.create(wanted);
  const { id, subject, role } = made.record;
  try {
    await record.keyChange({ activity: 'create', id, subject, role });
  } catch (error) {
    await keys.revoke(id);
    throw error;
  }
  return made;
}

function shown({ id, subject, role, createdAt, expiresAt, revokedAt }: KeyRecord, now: number): JsonObject {
  const state =
    revokedAt !== undefined ? 'revoked' : expiresAt !== undefined && expiresAt <= now ? 'expired' : 'active';
  return { id, subject: printable(subject), role, createdAt: new Date(createdAt).toISOString(), state };
}
