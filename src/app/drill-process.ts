// The drills that come by themselves: the same command that people use, in a process of its own, beside the instance.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setPriority } from 'node:os';
import { join } from 'node:path';
import type { Log } from '../platform/base/log.ts';
import type { Store } from '../platform/store/store.ts';
import type { DrillSchedule } from '../respond/drills/drills-config.ts';
import { scheduleDrills } from '../respond/drills/schedule.ts';
import type { AtEnd } from './options.ts';

const program = join(import.meta.dirname, '..', '..', 'bin', 'rempart.js');
/** Users come first. */
const niceness = 10;

export function watchDrills(
  parts: { data: string; store: Store; log: Log; now: () => number },
  schedule: DrillSchedule,
  atEnd: AtEnd,
): void {
  const times = scheduleDrills({ ...parts, random: Math.random, drill: (signal) => drillAll(parts, signal) }, schedule);
  atEnd(() => times.close());
}

/** Its results come back over the control socket, as those of a drill by hand do. */
async function drillAll({ data, log }: { data: string; log: Log }, signal: AbortSignal): Promise<void> {
  const child = spawn(process.execPath, [program, 'drill', '--all', '--json', '--data', data], {
    // No terminal's Ctrl-C reaches it: the instance ends it.
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore'],
    env: { PATH: process.env['PATH'] ?? '' },
  });
  const stop = () => child.kill('SIGTERM');
  signal.addEventListener('abort', stop);
  try {
    if (child.pid !== undefined) setPriority(child.pid, niceness);
    const [code] = (await once(child, 'exit')) as [number | null];
    if (code === 0) log.info('the drills that were due are held: none failed');
    else if (!signal.aborted) log.warn({ exit: code }, 'the drills that were due are held, and not all passed');
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
