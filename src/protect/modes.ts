// Emergency modes of a whole instance: a small synced file, so that they outlive a crash, and what reads them at each request.
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { RempartError } from '../platform/base/errors.ts';
import { writeWhole } from '../platform/base/write-whole.ts';
import type { Bus } from '../platform/shared/bus.ts';

/** lockdown: nobody but admins is served. safe: no model is asked. heightened: detectors react sooner. */
export const modeNames = ['safe', 'lockdown', 'heightened'] as const;
export type ModeName = (typeof modeNames)[number];

export interface ModeState {
  name: ModeName;
  on: boolean;
  /** Milliseconds since the epoch; there while it is on. */
  since?: number;
  /** Absolute, so that a restart does not begin it anew; nothing: until somebody turns it off. */
  until?: number;
  by?: string;
}

export interface ModeChange {
  name: ModeName;
  on: boolean;
  /** Who wants it: an account of the system, or the name of a playbook. */
  by: string;
  /** Milliseconds after which it ends by itself. */
  forMs?: number;
}

export interface Modes {
  /** One comparison while nothing is on. */
  active(name: ModeName): boolean;
  state(name: ModeName): ModeState;
  all(): ModeState[];
  /**
   * In force when it returns, and on disk. Throws ERR_MODES_UNWRITABLE when it is not on disk; a mode that was turned
   * on is in force all the same, since it is there to protect.
   */
  set(change: ModeChange): ModeState;
  /** Told of each change, the end of its time among them; returns what ends it. */
  onChange(listener: (state: ModeState, why: 'set' | 'expired') => void): () => void;
  close(): void;
}

export interface ModesParts {
  now: () => number;
  /** With it, what one thread sets is in force on all. */
  bus?: Bus;
}

const entrySchema = z.strictObject({ since: z.number(), until: z.number().exactOptional(), by: z.string() });
type Entry = z.output<typeof entrySchema>;
const fileSchema = z.strictObject({
  schema: z.literal('rempart/modes@1'),
  modes: z.partialRecord(z.enum(modeNames), entrySchema),
});

const topic = 'modes';
/** Longest time that a timer of Node can wait. */
const maxTimerMs = 2_147_483_647;

/** Throws ERR_MODES_UNREADABLE when the file is there and is not one of ours: which modes are on is then not guessed. */
export function openModes(file: string, { now, bus }: ModesParts): Modes {
  let entries = readEntries(file);
  const listeners = new Set<(state: ModeState, why: 'set' | 'expired') => void>();
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  const alive = (entry: Entry | undefined): entry is Entry =>
    entry !== undefined && (entry.until === undefined || entry.until > now());

  function state(name: ModeName): ModeState {
    const entry = entries.get(name);
    return alive(entry) ? { name, on: true, ...entry } : { name, on: false };
  }

  function tell(name: ModeName, why: 'set' | 'expired'): void {
    const current = state(name);
    for (const listener of listeners) listener(current, why);
  }

  /** Set for the next end; ends that passed are told and forgotten. */
  function expire(): void {
    clearTimeout(timer);
    if (closed) return;
    let next = Number.POSITIVE_INFINITY;
    for (const [name, entry] of [...entries]) {
      if (alive(entry)) next = Math.min(next, entry.until ?? Number.POSITIVE_INFINITY);
      else {
        entries.delete(name);
        tell(name, 'expired');
      }
    }
    if (Number.isFinite(next)) timer = setTimeout(expire, Math.min(Math.max(1, next - now()), maxTimerMs)).unref();
  }

  const unsubscribe = bus?.subscribe(topic, (data, { own }) => {
    if (own) return;
    entries = new Map(data as [ModeName, Entry][]);
    expire();
  });
  expire();

  return {
    active: (name) => entries.size > 0 && alive(entries.get(name)),
    state,
    all: () => modeNames.map(state),
    set({ name, on, by, forMs }) {
      const before = new Map(entries);
      if (on) entries.set(name, { since: now(), ...(forMs === undefined ? {} : { until: now() + forMs }), by });
      else entries.delete(name);
      try {
        writeEntries(file, entries);
      } catch (error) {
        if (!on) entries = before;
        throw new RempartError('ERR_MODES_UNWRITABLE', { file }, error);
      } finally {
        bus?.publish(topic, [...entries]);
        expire();
        tell(name, 'set');
      }
      return state(name);
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close() {
      closed = true;
      clearTimeout(timer);
      unsubscribe?.();
    },
  };
}

function readEntries(file: string): Map<ModeName, Entry> {
  try {
    const { modes } = fileSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
    return new Map(modeNames.flatMap((name) => (modes[name] === undefined ? [] : [[name, modes[name]] as const])));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Map();
    throw new RempartError('ERR_MODES_UNREADABLE', { file }, error);
  }
}

function writeEntries(file: string, entries: ReadonlyMap<ModeName, Entry>): void {
  const document = { schema: 'rempart/modes@1', modes: Object.fromEntries(entries) };
  writeWhole(file, [JSON.stringify(document, null, 2), '\n']);
}
