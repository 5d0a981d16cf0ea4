// Turning emergency modes on and off, each change journalled before it is in force: for the command line, the console and playbooks.
import type { ControlHandlers } from '../platform/base/control-socket.ts';
import { RempartError } from '../platform/base/errors.ts';
import type { Json } from '../platform/base/json.ts';
import type { Journal } from '../platform/journal/journal.ts';
import { apiActivity } from '../platform/journal/ocsf.ts';
import { type ModeChange, type ModeState, type Modes, modeNames } from './modes.ts';

export interface SwitchModeParts {
  modes: Modes;
  journal: Pick<Journal, 'append'>;
  now: () => number;
}

/** Throws ERR_JOURNAL_UNWRITABLE before anything has changed, ERR_MODES_UNWRITABLE as `Modes.set` does. */
export type SwitchMode = (change: ModeChange) => Promise<ModeState>;

/** The one way to change a mode: what an actuator calls too. */
export function createSwitchMode({ modes, journal, now }: SwitchModeParts): SwitchMode {
  return async (change) => {
    const { name, on, by, forMs } = change;
    const until = forMs === undefined ? {} : { until: now() + forMs };
    await journal.append(record(now(), by, `mode ${name} ${on ? 'on' : 'off'}`, { mode: name, on, ...until }));
    return modes.set(change);
  };
}

/** Journals the ends that come by themselves; returns what ends it. */
export function journalExpiry({ modes, journal, now }: SwitchModeParts, failed: (error: unknown) => void): () => void {
  return modes.onChange(({ name }, why) => {
    if (why !== 'expired') return;
    journal
      .append(record(now(), 'rempart', `mode ${name} off`, { mode: name, on: false, why: 'expired' }))
      .catch(failed);
  });
}

function record(time: number, subject: string, operation: string, mode: Record<string, string | number | boolean>) {
  return apiActivity({
    time,
    activity: 'update',
    operation,
    actor: { subject },
    sourceIp: '127.0.0.1',
    status: 'success',
    severity: 'high',
    unmapped: { mode },
  });
}

/** For the instance's control socket: only who owns the data directory reaches it. */
export function modeCommands(modes: Modes, switchMode: SwitchMode): ControlHandlers {
  return {
    'mode.list': () => modes.all().map((state): Json => ({ ...state })),
    async 'mode.set'({ name, on, by, forMs }) {
      const known = modeNames.find((one) => one === name);
      if (known === undefined || typeof on !== 'boolean' || typeof by !== 'string')
        throw new RempartError('ERR_BODY_INVALID', { what: 'mode' });
      const lasting = typeof forMs === 'number' && forMs > 0 ? { forMs } : {};
      return { ...(await switchMode({ name: known, on, by, ...lasting })) };
    },
  };
}
