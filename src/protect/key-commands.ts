// What can be asked about API keys from the command line: the same answers from a running instance and without one.

import type { ControlHandlers } from '../platform/base/control-socket.ts';
import { RempartError } from '../platform/base/errors.ts';
import type { Json, JsonObject } from '../platform/base/json.ts';
import { isSubject, printable } from '../platform/base/subject.ts';
import type { Role } from './gateway/ask.ts';
import type { KeyRecord, Keys, NewKey } from './gateway/keys.ts';
import { isScope, type Scopes } from './gateway/scopes.ts';
import type { RecordActivity } from './record-activity.ts';

export const roles: readonly Role[] = ['user', 'viewer', 'operator', 'admin'];

export interface KeyCommandsParts {
  keys: Keys;
  record: Pick<RecordActivity, 'keyChange'>;
  now: () => number;
}

export function keyCommands({ keys, record, now }: KeyCommandsParts): ControlHandlers {
  return {
    async 'keys.create'({ subject, role, models, routes, forMs }) {
      const known = roles.find((name) => name === role);
      if (known === undefined) throw new RempartError('ERR_BODY_INVALID', { what: 'role' });
      if (typeof subject !== 'string' || !isSubject(subject))
        throw new RempartError('ERR_BODY_INVALID', { what: 'subject' });
      const scopes = scopesOf(models, routes);
      const lasts = forMs === undefined ? {} : { expiresAt: now() + duration(forMs, 'forMs', 1) };
      const made = await createKey(keys, record, { subject, role: known, scopes, ...lasts });
      return { ...shown(made.record, now()), key: made.secret };
    },
    async 'keys.rotate'({ id, overlapMs = dayMs }) {
      const overlap = duration(overlapMs, 'overlapMs', 0);
      const made = await keys.rotate(String(id), overlap);
      if (made.kind === 'unknown') throw new RempartError('ERR_KEY_UNKNOWN', { id: printable(String(id)) });
      if (made.kind === 'fixed') throw new RempartError('ERR_KEY_FIXED', { id: String(id) });
      if (made.kind === 'over') throw new RempartError('ERR_KEY_OVER', { id: String(id) });
      const { subject, role } = made.record;
      await recorded(keys, made.record.id, () =>
        record.keyChange({ activity: 'create', id: made.record.id, subject, role, replaces: String(id) }),
      );
      return {
        ...shown(made.record, now()),
        key: made.secret,
        old: { id: String(id), until: new Date(made.oldEndsAt).toISOString() },
      };
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
  await recorded(keys, id, () => record.keyChange({ activity: 'create', id, subject, role }));
  return made;
}

async function recorded(keys: Keys, id: string, record: () => Promise<void>): Promise<void> {
  try {
    await record();
  } catch (error) {
    await keys.revoke(id);
    throw error;
  }
}

const dayMs = 86_400_000;

/** Milliseconds from `min` to ten years. */
function duration(given: Json, what: string, min: number): number {
  if (typeof given === 'number' && Number.isSafeInteger(given) && given >= min && given <= 3_653 * dayMs) return given;
  throw new RempartError('ERR_BODY_INVALID', { what });
}

function scopesOf(models: Json | undefined, routes: Json | undefined): Scopes {
  const of = (given: Json | undefined, what: string): readonly string[] | undefined => {
    if (given === undefined) return undefined;
    const list = Array.isArray(given) && given.length > 0 && given.length <= 100 ? given : [null];
    return list.map((pattern) => {
      if (typeof pattern === 'string' && isScope(pattern)) return pattern;
      throw new RempartError('ERR_BODY_INVALID', { what });
    });
  };
  const [some, paths] = [of(models, 'models'), of(routes, 'routes')];
  return { ...(some === undefined ? {} : { models: some }), ...(paths === undefined ? {} : { routes: paths }) };
}

function shown(record: KeyRecord, now: number): JsonObject {
  const { id, subject, role, scopes, replaces, createdAt, expiresAt, revokedAt } = record;
  const state =
    revokedAt !== undefined ? 'revoked' : expiresAt !== undefined && expiresAt <= now ? 'expired' : 'active';
  return {
    id,
    subject: printable(subject),
    role,
    createdAt: new Date(createdAt).toISOString(),
    state,
    ...(expiresAt === undefined ? {} : { expiresAt: new Date(expiresAt).toISOString() }),
    ...(scopes?.models === undefined ? {} : { models: [...scopes.models] }),
    ...(scopes?.routes === undefined ? {} : { routes: [...scopes.routes] }),
    ...(replaces === undefined ? {} : { replaces }),
  };
}
