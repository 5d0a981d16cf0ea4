// The queue as a command reaches it: one connection to PostgreSQL, or SQLite opened for each step under the data directory's
// lock; where an instance holds that, through the instance.
import { existsSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { createJobQueue, type JobQueue } from '../analyze/jobs/job-queue.ts';
import { queueOver } from '../analyze/jobs/queue-control.ts';
import type { UseQueue } from '../analyze/jobs/work.ts';
import { loadConfig } from '../config.ts';
import { callControl } from '../platform/base/control-socket.ts';
import { openDataDirectory } from '../platform/base/data-directory.ts';
import { RempartError } from '../platform/base/errors.ts';
import { openStore } from '../platform/store/store.ts';
import type { CommandInput } from './command.ts';

export interface ReachedQueue {
  use: UseQueue;
  close(): Promise<void>;
}

/** Another command's step is over in a moment; an instance holds the directory for good, and answers on its socket. */
const lockMs = 3_000;

/** `making`: the command may make the data directory; else its absence is ERR_DATA_MISSING. */
export async function reachQueue(input: CommandInput, making: boolean): Promise<ReachedQueue> {
  const { path, url } = loadConfig({ file: input.configFile, asked: input.configAsked, env: input.env }).store;
  if (url !== undefined) {
    const store = await openStore({ url });
    const queue = createJobQueue(store);
    return { use: (step) => step(queue), close: () => store.close() };
  }
  if (!making && !existsSync(input.data)) throw new RempartError('ERR_DATA_MISSING', { dir: input.data });
  let last: Promise<unknown> = Promise.resolve();
  return {
    // One after the other: the lock tells processes apart, not the steps of one.
    use: (step) => {
      const mine = last.then(() => onSqlite(input.data, path, step));
      last = mine.catch(() => undefined);
      return mine;
    },
    close: async () => {
      await last;
    },
  };
}

async function onSqlite<T>(data: string, path: string | undefined, step: (queue: JobQueue) => Promise<T>): Promise<T> {
  const directory = await lockedDirectory(data);
  if (directory === 'an instance holds it') return step(queueOver((command, args) => callControl(data, command, args)));
  try {
    const store = await openStore({ path: path ?? directory.path('store.sqlite') });
    try {
      return await step(createJobQueue(store));
    } finally {
      await store.close();
    }
  } finally {
    directory.lock.release();
  }
}

async function lockedDirectory(
  data: string,
): Promise<Awaited<ReturnType<typeof openDataDirectory>> | 'an instance holds it'> {
  const began = performance.now();
  for (;;) {
    try {
      return await openDataDirectory(data);
    } catch (error) {
      if (!(error instanceof RempartError && error.code === 'ERR_DATA_LOCKED')) throw error;
      if (await answers(data)) return 'an instance holds it';
      if (performance.now() - began > lockMs) throw error;
      await pause(20 + Math.random() * 60);
    }
  }
}

/** Whether somebody answers on the socket who knows jobs. */
async function answers(data: string): Promise<boolean> {
  try {
    await queueOver((command, args) => callControl(data, command, args)).find('');
    return true;
  } catch {
    return false;
  }
}
