// The states of a deployment: what they are called, where they lie, and what can be wrong with one.
import { isAbsolute, join, resolve } from 'node:path';
import { RempartError } from '../../platform/base/errors.ts';
import type { Deployment } from '../../platform/documents/deployment.ts';

export type StateFormat = Deployment['states'][number]['format'];

export interface NamedState {
  name: string;
  /** Absolute. */
  path: string;
  format: StateFormat;
  /** A JSON Schema; absolute. */
  schema?: string;
  minimal?: Readonly<Record<string, unknown>>;
  /** The service that is restarted with it. */
  owner?: string;
  /** Folder that keeps its backups; absolute. */
  backups: string;
  /** Folder in which people keep copies of their own; absolute. */
  copies?: string;
}

/** Why a state, or a backup of one, cannot be used as it is. */
export const unfitReasons = [
  'missing',
  'symlink',
  'not-a-file',
  'not-a-directory',
  'link-outside',
  'too-large',
  'too-many-files',
  'unreadable',
  'changing',
  'empty',
  'syntax',
  'damaged',
  'schema',
  'schema-unreadable',
  'manifest',
  'signature',
  'checksum',
  'no-checksum',
  'lost',
  'too-old',
  'after-evidence',
  'from-future',
  'no-minimal',
] as const;
export type UnfitReason = (typeof unfitReasons)[number];

/** Told inside rollback only: at its border it becomes an answer, or an error of the catalogue. */
export class StateUnfit extends Error {
  override readonly name = 'StateUnfit';
  readonly why: UnfitReason;

  constructor(why: UnfitReason, cause?: unknown) {
    super(why, { cause });
    this.why = why;
  }
}

/** What the profile says, with paths that are relative to the profile's folder; backups lie in the data directory unless it says where. */
export function statesOf({ states }: Pick<Deployment, 'states'>, folder: string, data: string): NamedState[] {
  const at = (path: string) => (isAbsolute(path) ? resolve(path) : resolve(folder, path));
  return states.map(({ name, path, format, schema, minimal, owner, backups }) => ({
    name,
    path: at(path),
    format,
    ...(schema === undefined ? {} : { schema: at(schema) }),
    ...(minimal === undefined ? {} : { minimal }),
    ...(owner === undefined ? {} : { owner }),
    // A folder that people use for copies of their own keeps them: ours lie below it.
    backups: backups === undefined ? join(data, 'backups', name) : join(at(backups), 'rempart', name),
    ...(backups === undefined ? {} : { copies: at(backups) }),
  }));
}

/** Those of these names, in the profile's order; all without any. Throws ERR_STATE_UNKNOWN. */
export function pickStates(states: readonly NamedState[], names?: readonly string[]): NamedState[] {
  if (names === undefined) return [...states];
  const unknown = names.find((name) => !states.some((state) => state.name === name));
  if (unknown !== undefined)
    throw new RempartError('ERR_STATE_UNKNOWN', {
      state: unknown,
      known: states.map(({ name }) => name).join(', ') || '–',
    });
  return states.filter(({ name }) => names.includes(name));
}
