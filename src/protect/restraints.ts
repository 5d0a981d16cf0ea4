// Who and what is held back for a while: credentials, keys, addresses, providers. A small synced file, so that it outlives a crash, and shared memory that every request asks.
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { RempartError } from '../platform/base/errors.ts';
import { writeWhole } from '../platform/base/write-whole.ts';
import { openSet } from '../platform/shared/set.ts';
import type { Caller } from './gateway/ask.ts';
import { sourceNetwork } from './gateway/source-network.ts';

export const restraintKinds = ['session', 'key', 'source', 'provider', 'spare'] as const;
/**
 * session: a key's session, or all of a key, is shut out. key: suspended. source: an address is refused. provider: no
 * call goes there. spare: its first key is passed over.
 */
export type RestraintKind = (typeof restraintKinds)[number];

const entrySchema = z.strictObject({
  kind: z.enum(restraintKinds),
  name: z.string(),
  since: z.number(),
  until: z.number().exactOptional(),
  by: z.string(),
});
export type RestraintEntry = z.output<typeof entrySchema>;
const fileSchema = z.strictObject({ schema: z.literal('rempart/restraints@1'), restraints: z.array(entrySchema) });

/** What a request asks: in force on every thread at once. */
export interface HeldBack {
  isHeld(kind: RestraintKind, name: string): boolean;
}

export interface Restraints extends HeldBack {
  /** In force when it returns, and on disk. Throws ERR_RESTRAINTS_UNWRITABLE; what was to hold back does all the same. */
  hold(entry: Omit<RestraintEntry, 'since'>): void;
  /** False when it was not held back. */
  release(kind: RestraintKind, name: string): boolean;
  /** Those in force. */
  all(): RestraintEntry[];
}

const placeOf = (kind: RestraintKind, name: string) => `held ${kind} ${kind === 'source' ? sourceNetwork(name) : name}`;

/** For a thread that only asks: what another one holds back. */
export function openHeldBack({ now, memory }: { now: () => number; memory: SharedArrayBuffer }): HeldBack {
  const set = openSet(memory);
  return { isHeld: (kind, name) => set.revision() > 0 && set.has(placeOf(kind, name), now()) };
}

/** Throws ERR_RESTRAINTS_UNREADABLE when the file is there and is not one of ours: who is shut out is then not guessed. */
export function openRestraints(
  file: string,
  { now, memory }: { now: () => number; memory: SharedArrayBuffer },
): Restraints {
  const set = openSet(memory);
  const entries = new Map(readEntries(file).map((entry) => [placeOf(entry.kind, entry.name), entry]));
  const alive = ({ until }: RestraintEntry) => until === undefined || until > now();
  for (const [place, entry] of entries) if (alive(entry)) set.add(place, now(), entry.until);

  function save(): void {
    for (const [place, entry] of entries) if (!alive(entry)) entries.delete(place);
    const document = { schema: 'rempart/restraints@1', restraints: [...entries.values()] };
    try {
      writeWhole(file, [JSON.stringify(document, null, 2), '\n']);
    } catch (error) {
      throw new RempartError('ERR_RESTRAINTS_UNWRITABLE', { file }, error);
    }
  }

  return {
    ...openHeldBack({ now, memory }),
    hold(given) {
      const place = placeOf(given.kind, given.name);
      // A member's time can only be put off: one that is to end earlier is set anew.
      set.remove(place);
      set.add(place, now(), given.until);
      entries.set(place, { ...given, since: now() });
      save();
    },
    release(kind, name) {
      const place = placeOf(kind, name);
      const entry = entries.get(place);
      set.remove(place);
      if (entry === undefined) return false;
      entries.delete(place);
      save();
      return alive(entry);
    },
    all: () => [...entries.values()].filter(alive),
  };
}

function readEntries(file: string): RestraintEntry[] {
  try {
    return fileSchema.parse(JSON.parse(readFileSync(file, 'utf8'))).restraints;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new RempartError('ERR_RESTRAINTS_UNREADABLE', { file }, error);
  }
}

/** What a caller who is held back is told; undefined when it may go on. */
export function heldBack(
  held: HeldBack | undefined,
  { credential }: Pick<Caller, 'credential'>,
): RempartError | undefined {
  if (held === undefined) return undefined;
  // A session that a key opened is named KEY/SESSION.
  const [key = credential] = credential.split('/');
  if (held.isHeld('key', key)) return new RempartError('ERR_KEY_SUSPENDED');
  const shut = held.isHeld('session', credential) || (key !== credential && held.isHeld('session', key));
  return shut ? new RempartError('ERR_SESSION_SHUT_OUT') : undefined;
}
