// The queue as a command reaches it: one connection to PostgreSQL, or SQLite opened for each step under the data directory's
// lock; where an instance holds that, through the instance.
import { existsSync } from 'node:fs';
import { createJobQueue, type JobQueue } from '../analyze/jobs/job-queue.ts';
import { queueOver } from '../analyze/jobs/queue-control.ts';
import type { UseQueue } from '../analyze/jobs/work.ts';
import { loadConfig } from '../config.ts';
import { callControl } from '../platform/base/control-socket.ts';
import { RempartError } from '../platform/base/errors.ts';
import { openStore } from '../platform/store/store.ts';
import type { CommandInput } from './command.ts';
import { holdData } from './hold-data.ts';

export interface ReachedQueue {
  use: UseQueue;
  close(): Promise<void>;
}

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
  const directory = await holdData(data);
  if (directory === null) return step(queueOver((command, args) => callControl(data, command, args)));
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
