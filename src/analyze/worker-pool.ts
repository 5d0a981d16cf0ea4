// Worker threads that each do one task at a time; one that hangs or dies is replaced, and its task fails alone.
import { Worker } from 'node:worker_threads';

export interface Pool<Task, Result> {
  /** Starts the first thread, so that it loads while its first task is made ready. */
  warm(): void;
  /** Rejects with `PoolFailure`. */
  run(task: Task, transfer: readonly ArrayBuffer[]): Promise<Result>;
  close(): Promise<void>;
}

export class PoolFailure extends Error {
  readonly kind: 'timeout' | 'died';

  constructor(kind: 'timeout' | 'died', cause?: unknown) {
    super(kind === 'timeout' ? 'the task took too long' : 'the thread ended', { cause });
    this.kind = kind;
  }
}

interface Seat<Task, Result> {
  worker: Worker;
  job: Job<Task, Result> | null;
  /** It has loaded what it needs: only then does a task's time run. */
  ready: boolean;
  timer: NodeJS.Timeout | undefined;
}

interface Job<Task, Result> {
  task: Task;
  transfer: readonly ArrayBuffer[];
  resolve: (result: Result) => void;
  reject: (error: Error) => void;
}

export interface PoolOptions {
  url: URL;
  size: number;
  workerData: unknown;
  /** How long one task may take, in a thread that has said `null` once it was ready for its first. */
  taskMs: number;
}

/** Loading takes a second; a machine that needs longer than this has other troubles. */
const startMs = 60_000;

/** For what is thrown away soon; V8 takes 48. Two threads over 60 MB: 635 MB of resident memory became 538. */
const youngMegabytes = 16;

export function openPool<Task, Result>({ url, size, workerData, taskMs }: PoolOptions): Pool<Task, Result> {
  const waiting: Job<Task, Result>[] = [];
  const seats = new Set<Seat<Task, Result>>();
  let closing = false;

  function seat(): Seat<Task, Result> {
    const worker = new Worker(url, { workerData, resourceLimits: { maxYoungGenerationSizeMb: youngMegabytes } });
    const own: Seat<Task, Result> = { worker, job: null, ready: false, timer: undefined };
    own.worker.on('message', (result: Result | null) => {
      if (result === null) {
        own.ready = true;
        if (own.job !== null) time(own, taskMs);
        return;
      }
      const job = vacate(own);
      next(own);
      job?.resolve(result);
    });
    own.worker.on('error', (error) => lose(own, new PoolFailure('died', error)));
    own.worker.on('exit', () => lose(own, new PoolFailure('died')));
    seats.add(own);
    return own;
  }

  function time(own: Seat<Task, Result>, ms: number): void {
    clearTimeout(own.timer);
    own.timer = setTimeout(() => lose(own, new PoolFailure('timeout')), ms);
  }

  function vacate(own: Seat<Task, Result>): Job<Task, Result> | null {
    clearTimeout(own.timer);
    const { job } = own;
    own.job = null;
    return job;
  }

  function lose(own: Seat<Task, Result>, failure: PoolFailure): void {
    if (!seats.delete(own)) return;
    const job = vacate(own);
    void own.worker.terminate();
    job?.reject(failure);
    if (!closing && waiting.length > 0) next(seat());
  }

  function next(own: Seat<Task, Result>): void {
    const job = waiting.shift();
    if (job === undefined) return;
    own.job = job;
    time(own, own.ready ? taskMs : taskMs + startMs);
    own.worker.postMessage(job.task, job.transfer);
  }

  return {
    warm() {
      if (seats.size === 0) seat();
    },
    run(task, transfer) {
      return new Promise((resolve, reject) => {
        waiting.push({ task, transfer, resolve, reject });
        const free = [...seats].find((own) => own.job === null) ?? (seats.size < size ? seat() : undefined);
        if (free !== undefined) next(free);
      });
    },
    async close() {
      closing = true;
      await Promise.all([...seats].map(({ worker }) => worker.terminate()));
    },
  };
}
