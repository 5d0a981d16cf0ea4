// A node at work: takes one job after the other, keeps its lease while it runs, and says how each ended.
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { RempartError } from '../../platform/base/errors.ts';
import type { Job, JobStatistics } from './job.ts';
import type { Held, JobQueue } from './job-queue.ts';
import { forgetResume, type RunJob, runJob } from './run-job.ts';

/** The queue for one step; the store behind it may be opened for that alone. Throws ERR_STORE_AWAY. */
export type UseQueue = <T>(step: (queue: JobQueue) => Promise<T>) => Promise<T>;

export type JobEvent =
  | { kind: 'taken'; job: Job }
  | { kind: 'done'; job: Job; report: string; statistics: JobStatistics }
  | { kind: 'failed'; job: Job; error: RempartError }
  | { kind: 'lost'; job: Job }
  | { kind: 'given-back'; job: Job }
  | { kind: 'store-away' };

export interface WorkOptions {
  use: UseQueue;
  node: string;
  /** Each job's report gets a folder of its own in it. */
  out: string;
  version: string;
  leaseMs: number;
  /** Ends when nothing waits any more. */
  once: boolean;
  signal: AbortSignal;
  onEvent: (event: JobEvent) => void;
  pollMs?: number;
  /** Before the second attempt; twice that before the third. */
  retryMs?: number;
  run?: (run: RunJob) => Promise<JobStatistics | null>;
}

export async function work(options: WorkOptions): Promise<void> {
  const { use, node, leaseMs, once, signal, onEvent, pollMs = 1_000 } = options;
  const idle = () => pause(pollMs, undefined, { signal }).catch(() => undefined);
  // What is away from the start is told as an error; what goes away later comes back.
  let met = false;
  while (!signal.aborted) {
    try {
      const job = await use((queue) => queue.claim(node, leaseMs));
      met = true;
      if (job !== null) {
        onEvent({ kind: 'taken', job });
        await doJob(job, options);
        continue;
      }
      if (once && !(await use((queue) => queue.list())).some(({ state }) => state === 'waiting')) return;
    } catch (error) {
      if (!isAway(error) || once || !met) throw error;
      onEvent({ kind: 'store-away' });
    }
    await idle();
  }
}

async function doJob(job: Job, options: WorkOptions): Promise<void> {
  const { use, node, leaseMs, onEvent, signal, retryMs = 2_000, run = runJob } = options;
  const held: Held = { id: job.id, attempts: job.attempts, node };
  const folder = join(options.out, job.id);
  const lease = keepLease(held, options);
  try {
    const statistics = await run({
      job,
      folder,
      node,
      version: options.version,
      signal: AbortSignal.any([signal, lease.lost]),
      stillOurs: lease.renew,
    });
    if (statistics === null && signal.aborted && !lease.lost.aborted) {
      // Untold, the lease ends by itself.
      await use((queue) => queue.release(held)).catch(() => false);
      return onEvent({ kind: 'given-back', job });
    }
    if (statistics === null || !(await told(() => use((queue) => queue.finish(held, folder, statistics)), leaseMs)))
      return onEvent({ kind: 'lost', job });
    forgetResume(folder);
    onEvent({ kind: 'done', job, report: folder, statistics });
  } catch (cause) {
    const error = cause instanceof RempartError ? cause : new RempartError('ERR_INTERNAL', {}, cause);
    const ours = await told(() => use((queue) => queue.fail(held, error.code, retryMs * job.attempts)), leaseMs);
    onEvent(ours ? { kind: 'failed', job, error } : { kind: 'lost', job });
  } finally {
    lease.end();
  }
}

/** Renewed three times per lease; lost when the queue says so, or when it could not be asked until the lease ran out. */
function keepLease(
  held: Held,
  { use, leaseMs }: WorkOptions,
): { lost: AbortSignal; renew: () => Promise<boolean>; end(): void } {
  const lost = new AbortController();
  let renewedAt = performance.now();
  const renew = async (): Promise<boolean> => {
    const asked = performance.now();
    try {
      if (await use((queue) => queue.renew(held, leaseMs))) renewedAt = asked;
      else lost.abort();
    } catch {
      if (performance.now() - renewedAt >= leaseMs) lost.abort();
    }
    return !lost.signal.aborted;
  };
  const timer = setInterval(renew, leaseMs / 3);
  return { lost: lost.signal, renew, end: () => clearInterval(timer) };
}

/** The end of a job is told again while the store is away and the job may still be ours. */
async function told(tell: () => Promise<boolean>, withinMs: number): Promise<boolean> {
  const began = performance.now();
  for (;;) {
    try {
      return await tell();
    } catch (error) {
      if (!isAway(error) || performance.now() - began > withinMs) throw error;
      await pause(500);
    }
  }
}

function isAway(error: unknown): boolean {
  return error instanceof RempartError && (error.code === 'ERR_STORE_AWAY' || error.code === 'ERR_DATA_LOCKED');
}
