// Emergency modes of a running instance: read from the data directory, changed over the control socket, seen in health.
import { join } from 'node:path';
import { createBus } from '../platform/shared/bus.ts';
import type { Access } from '../protect/access.ts';
import { lockedOut } from '../protect/gateway/locked-out.ts';
import { createSwitchMode, journalExpiry, modeCommands } from '../protect/mode-commands.ts';
import { type ModeName, openModes } from '../protect/modes.ts';
import type { Ground } from './ground.ts';
import type { AtEnd } from './options.ts';

/** The bus is named after the data directory: instances of one process, as in tests, are apart. */
export function modesBus(data: string): string {
  return `modes:${data}`;
}

export function openInstanceModes(data: string, { watch, log }: Ground, atEnd: AtEnd) {
  const bus = createBus(modesBus(data));
  atEnd(async () => bus.close());
  const modes = openModes(join(data, 'modes.json'), { now: Date.now, bus });
  atEnd(async () => modes.close());
  const parts = { modes, journal: watch.journal, now: Date.now };
  journalExpiry(parts, (err) => log.error({ err }, 'the end of a mode could not be journalled'));
  const switchMode = createSwitchMode(parts);
  return {
    modes,
    switchMode,
    commands: modeCommands(modes, switchMode),
    active: (): ModeName[] => modes.all().flatMap(({ name, on }) => (on ? [name] : [])),
    /** Lockdown closes the chatbot's addresses too. */
    guarded:
      (authenticate: Access['authenticate']): Access['authenticate'] =>
      async (req) => {
        const caller = await authenticate(req);
        const closed = lockedOut(modes, caller, Date.now());
        if (closed !== undefined) throw closed;
        return caller;
      },
  };
}
