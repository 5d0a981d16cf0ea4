// Who has the data directory while a command works on it: the instance, which is then asked, or the command itself.
import { setTimeout as pause } from 'node:timers/promises';
import { answersControl } from '../platform/base/control-socket.ts';
import { type DataDirectory, lockHolder, openDataDirectory } from '../platform/base/data-directory.ts';
import { RempartError } from '../platform/base/errors.ts';

/** Another command is through in a moment, and an instance that starts answers soon; who holds on for longer is told of. */
const patienceMs = 10_000;

/** Whether an instance answers; waits while somebody holds the directory who does not. Then throws ERR_DATA_LOCKED. */
export async function instanceAnswers(data: string, waitMs = patienceMs): Promise<boolean> {
  const began = performance.now();
  for (;;) {
    const pid = lockHolder(data);
    if (pid === null) return false;
    if (await answersControl(data)) return true;
    if (performance.now() - began > waitMs) throw new RempartError('ERR_DATA_LOCKED', { dir: data, pid });
    await pause(20 + Math.random() * 60);
  }
}

/** The directory, made if need be and locked until the caller lets it go; null when an instance answers. */
export async function holdData(data: string, waitMs = patienceMs): Promise<DataDirectory | null> {
  const began = performance.now();
  for (;;) {
    if (await instanceAnswers(data, waitMs)) return null;
    try {
      return await openDataDirectory(data);
    } catch (error) {
      // Another command was faster.
      if (!(error instanceof RempartError && error.code === 'ERR_DATA_LOCKED')) throw error;
      if (performance.now() - began > waitMs) throw error;
    }
  }
}
