// Takes a backup of every state from time to time, and says once when a state can no longer be backed up.
import type { Log } from '../../platform/base/log.ts';
import type { Backups } from './backups.ts';

export interface ScheduleParts {
  backups: Backups;
  everyMs: number;
  log: Pick<Log, 'info' | 'warn' | 'error'>;
}

/** The first one at once, for whoever starts an instance may need it a minute later. Returns what ends it. */
export function scheduleBackups({ backups, everyMs, log }: ScheduleParts): () => Promise<void> {
  const told = new Map<string, string>();
  let timer: NodeJS.Timeout | undefined;
  let ended = false;
  let round = Promise.resolve();

  async function takeAll(): Promise<void> {
    for (const state of backups.states) {
      if (ended) return;
      try {
        const taken = await backups.take(state, 'schedule');
        const now = taken.kind === 'taken' ? 'taken' : taken.why;
        if (told.get(state.name) !== now) {
          if (taken.kind === 'taken') log.info({ state: state.name }, 'a state is backed up');
          else log.warn({ state: state.name, why: taken.why }, 'a state is not fit to be backed up');
        }
        told.set(state.name, now);
      } catch (err) {
        log.error({ err, state: state.name }, 'a state could not be backed up');
      }
    }
    if (!ended) timer = setTimeout(begin, everyMs).unref();
  }
  const begin = () => {
    round = takeAll();
  };
  if (everyMs > 0 && backups.states.length > 0) begin();
  return async () => {
    ended = true;
    clearTimeout(timer);
    await round;
  };
}
