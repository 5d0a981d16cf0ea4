// Emergency modes of a running instance: read from the data directory, changed over the control socket, seen in health.
import { join } from 'node:path';
import { createBus } from '../platform/shared/bus.ts';
import type { Access } from '../protect/access.ts';
import { lockedOut } from '../protect/gateway/locked-out.ts';
import { createSwitchMode, journalExpiry, modeCommands } from '../protect/mode-commands.ts';
import { type ModeName, openModes } from '../protect/modes.ts';
import { heldBack, openRestraints } from '../protect/restraints.ts';
import type { Ground } from './ground.ts';
import type { AtEnd } from './options.ts';

/** The bus is named after the data directory: instances of one process, as in tests, are apart. */
export function modesBus(data: string): string {
  return `modes:${data}`;
}

export function openInstanceModes(data: string, { watch, log, memory, crew }: Ground, atEnd: AtEnd) {
  const bus = crew?.bus ?? createBus(modesBus(data));
  atEnd(async () => bus.close());
  const modes = openModes(join(data, 'modes.json'), { now: Date.now, bus });
  atEnd(async () => modes.close());
  const restraints = openRestraints(join(data, 'restraints.json'), { now: Date.now, memory });
  const parts = { modes, journal: watch.journal, now: Date.now };
  journalExpiry(parts, (err) => log.error({ err }, 'the end of a mode could not be journalled'));
  const switchMode = createSwitchMode(parts);
  return {
    modes,
    restraints,
    switchMode,
    commands: modeCommands(modes, switchMode),
    active: (): ModeName[] => modes.all().flatMap(({ name, on }) => (on ? [name] : [])),
    /** Lockdown closes the chatbot's addresses too, and so they are to who is held back. */
    guarded:
      (authenticate: Access['authenticate']): Access['authenticate'] =>
      async (req) => {
        const caller = await authenticate(req);
        const closed = lockedOut(modes, caller, Date.now()) ?? heldBack(restraints, caller);
        if (closed !== undefined) throw closed;
        return caller;
      },
  };
}
