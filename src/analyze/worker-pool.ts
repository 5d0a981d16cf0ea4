// Worker threads that do tasks in batches; one that hangs or dies is replaced, its task fails alone, the others are done anew.
import { Worker } from 'node:worker_threads';

export interface Pool<Task, Result> {
  /** Starts so many threads, so that they load while their first tasks are made ready. */
  warm(threads: number): void;
  /** Rejects with `PoolFailure`. `weight`: its size in bytes; light tasks travel together. */
  run(task: Task, weight: number): Promise<Result>;
  close(): Promise<void>;
}

export class PoolFailure extends Error {
  readonly kind: 'timeout' | 'died';

  constructor(kind: 'timeout' | 'died', cause?: unknown) {
    super(kind === 'timeout' ? 'the task took too long' : 'the thread ended', { cause });
    this.kind = kind;
  }
}

/** What a thread is sent: it does the tasks in order, writes into `at` which one it is at, and answers once for all. */
export interface Batch<Task> {
  tasks: readonly Task[];
  at: Int32Array<SharedArrayBuffer>;
}

interface Seat<Task, Result> {
  worker: Worker;
  jobs: Job<Task, Result>[];
  at: Int32Array<SharedArrayBuffer>;
  /** It has loaded what it needs: only then does a task's time run. */
  ready: boolean;
  timer: NodeJS.Timeout | undefined;
}

interface Job<Task, Result> {
  task: Task;
  weight: number;
  resolve: (result: Result) => void;
  reject: (error: Error) => void;
}

export interface PoolOptions {
  url: URL;
  size: number;
  workerData: unknown;
  /** What each thread is sent before its first batch; asked for once the first threads load. */
  opening: () => unknown;
  /** How long one task may take, in a thread that has said `null` once it was ready for its first. */
  taskMs: number;
}

/** Loading takes a second; a machine that needs longer than this has other troubles. */
const startMs = 60_000;

/** For what is thrown away soon; V8 takes 48. Two threads over 60 MB: 635 MB of resident memory became 538. */
const youngMegabytes = 16;

/** Waking a thread takes a few hundred microseconds, as long as a short conversation: 2,000 of them cost 10 % of the time. */
const batchWeight = 2 ** 17;
const batchTasks = 32;
/** Before its first task. */
const nowhere = -1;

export function openPool<Task, Result>({ url, size, workerData, opening, taskMs }: PoolOptions): Pool<Task, Result> {
  const waiting: Job<Task, Result>[] = [];
  const seats = new Set<Seat<Task, Result>>();
  let closing = false;
  let opened: { message: unknown } | undefined;

  function seat(): Seat<Task, Result> {
    const own = load();
    open(own);
    return own;
  }

  function open({ worker }: Seat<Task, Result>): void {
    opened ??= { message: opening() };
    worker.postMessage(opened.message);
  }

  function load(): Seat<Task, Result> {
    const worker = new Worker(url, { workerData, resourceLimits: { maxYoungGenerationSizeMb: youngMegabytes } });
    const at = new Int32Array(new SharedArrayBuffer(4)).fill(nowhere);
    const own: Seat<Task, Result> = { worker, jobs: [], at, ready: false, timer: undefined };
    own.worker.on('message', (results: Result[] | null) => {
      if (results === null) {
        own.ready = true;
        if (own.jobs.length > 0) watch(own, taskMs);
        return;
      }
      const jobs = vacate(own);
      next(own);
      for (const [i, job] of jobs.entries()) job.resolve(results[i]!);
    });
    own.worker.on('error', (error) => lose(own, new PoolFailure('died', error)));
    own.worker.on('exit', () => lose(own, new PoolFailure('died')));
    seats.add(own);
    return own;
  }

  /** Gives each task of the batch `ms`: looks now and then whether the thread still is at the one where it was. */
  function watch(own: Seat<Task, Result>, ms: number): void {
    clearTimeout(own.timer);
    let was = Atomics.load(own.at, 0);
    let since = performance.now();
    const look = () => {
      const is = Atomics.load(own.at, 0);
      const now = performance.now();
      if (is !== was) since = now;
      was = is;
      if (now - since >= ms) lose(own, new PoolFailure('timeout'));
      else own.timer = setTimeout(look, Math.min(ms / 4, ms - (now - since)));
    };
    own.timer = setTimeout(look, ms / 4);
  }

  function vacate(own: Seat<Task, Result>): Job<Task, Result>[] {
    clearTimeout(own.timer);
    const { jobs } = own;
    own.jobs = [];
    return jobs;
  }

  function lose(own: Seat<Task, Result>, failure: PoolFailure): void {
    if (!seats.delete(own)) return;
    const at = Atomics.load(own.at, 0);
    const jobs = vacate(own);
    void own.worker.terminate();
    const guilty = at === nowhere ? jobs : jobs.slice(at, at + 1);
    // What it had done of its batch is lost with it, and done anew.
    waiting.unshift(...jobs.filter((job) => !guilty.includes(job)));
    if (!closing && waiting.length > 0) next(seat());
    for (const job of guilty) job.reject(failure);
  }

  function next(own: Seat<Task, Result>): void {
    if (waiting.length === 0) return;
    // No thread takes so much that another has nothing to do.
    const most = Math.min(batchTasks, Math.ceil(waiting.length / size));
    let weight = waiting[0]!.weight;
    let count = 1;
    while (count < most && weight + waiting[count]!.weight <= batchWeight) weight += waiting[count++]!.weight;
    own.jobs = waiting.splice(0, count);
    Atomics.store(own.at, 0, nowhere);
    watch(own, own.ready ? taskMs : taskMs + startMs);
    const batch: Batch<Task> = { tasks: own.jobs.map(({ task }) => task), at: own.at };
    own.worker.postMessage(batch);
  }

  return {
    warm(threads) {
      const fresh = Array.from({ length: Math.min(threads, size) - seats.size }, load);
      for (const own of fresh) open(own);
    },
    run(task, weight) {
      return new Promise((resolve, reject) => {
        waiting.push({ task, weight, resolve, reject });
        const free = [...seats].find((own) => own.jobs.length === 0) ?? (seats.size < size ? seat() : undefined);
        if (free !== undefined) next(free);
      });
    },
    async close() {
      closing = true;
      await Promise.all([...seats].map(({ worker }) => worker.terminate()));
    },
  };
}
