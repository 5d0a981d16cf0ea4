// Keeps so many worker threads alive: one that dies is replaced, one that dies again and again is replaced more slowly, one that hangs is ended.
import type { Worker } from 'node:worker_threads';
import { RempartError } from '../../platform/base/errors.ts';
import { type Link, openLink, type Served } from './link.ts';

/** exception: nobody caught it. exit: something ended the thread. memory: its heap was full. stuck: it no longer moved. start: it never served. */
export type LossCause = 'exception' | 'exit' | 'memory' | 'stuck' | 'start';

export interface Member {
  /** 1 to the number of workers; who takes over has the same. */
  readonly slot: number;
  /** Where it counts in shared memory: no two that live have the same. */
  readonly row: number;
  readonly link: Link;
  state: 'starting' | 'serving' | 'leaving' | 'gone';
}

export interface Loss {
  slot: number;
  cause: LossCause;
  /** A code of the error, where there is one. */
  code?: string;
  /** How often in a row it died young. */
  times: number;
  /** Until another one is started. */
  waitMs: number;
  serving: number;
}

export interface FleetTimes {
  /** Who has served so long is not counted as dying young. */
  steadyMs: number;
  stuckMs: number;
  firstWaitMs: number;
  longestWaitMs: number;
  startMs: number;
  /** How long one that leaves of its own accord gets for what it has in hand. */
  leaveMs: number;
  lookMs: number;
}

export const fleetTimes: FleetTimes = {
  steadyMs: 60_000,
  stuckMs: 20_000,
  firstWaitMs: 250,
  longestWaitMs: 30_000,
  startMs: 60_000,
  leaveMs: 120_000,
  lookMs: 1_000,
};

export interface FleetParts {
  workers: number;
  startThread(place: { slot: number; row: number }): Worker;
  /** What a worker may call. */
  served(member: Member): Served;
  beats(row: number): number;
  /** What it held in shared memory is free again. */
  bury(row: number): void;
  now: () => number;
  onLoss(loss: Loss): void;
  onServing(member: Member): void;
  onGone(member: Member): void;
  times?: FleetTimes;
}

export interface Fleet {
  /** Rejects with what keeps one from serving. */
  start(): Promise<void>;
  serving(): Member[];
  state(): { serving: number; of: number; crashing: boolean };
  /** `leave` lets each end what it has in hand. */
  close(leave: (member: Member) => Promise<unknown>): Promise<void>;
}

/** A worker that leaves while its successor serves, and once more. */
export const rowsPerWorker = 3;
/** So many young deaths in a row are no accident. */
export const loopFrom = 3;

interface Living extends Member {
  worker: Worker;
  readyAt?: number;
  cause?: LossCause;
  code?: string;
  beats: number;
  stillSince: number;
  ready: { resolve: () => void; reject: (error: RempartError) => void };
}

export function createFleet(parts: FleetParts): Fleet {
  const { workers, now, times = fleetTimes } = parts;
  const members = new Set<Living>();
  const rows = Array.from({ length: workers * rowsPerWorker }, (_, at) => at + 1);
  /** Young deaths in a row, by slot. */
  const young = new Map<number, number>();
  const waits = new Set<NodeJS.Timeout>();
  let isClosing = false;
  let lookedAt = now();

  const serving = () => [...members].filter(({ state }) => state === 'serving');

  function begin(slot: number): Promise<void> {
    const row = rows.shift();
    if (row === undefined) return Promise.reject(new RempartError('ERR_INTERNAL'));
    const worker = parts.startThread({ slot, row });
    return new Promise<void>((resolve, reject) => {
      const served: Record<string, object> = {};
      const link = openLink(worker, served);
      const ready = { resolve, reject };
      const at = { beats: parts.beats(row), stillSince: now() };
      const member: Living = { slot, row, link, state: 'starting', worker, ready, ...at };
      Object.assign(served, parts.served(member), { fleet: controlOf(member) });
      members.add(member);
      worker.on('error', (error: NodeJS.ErrnoException) => {
        member.cause ??= error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? 'memory' : 'exception';
        if (error.code !== undefined) member.code ??= error.code;
      });
      worker.once('exit', () => ended(member));
      const timer = setTimeout(() => {
        if (member.state === 'starting') void worker.terminate();
      }, times.startMs).unref();
      worker.once('exit', () => clearTimeout(timer));
    });
  }

  /** What a worker says of itself. */
  function controlOf(member: Living) {
    return {
      ready() {
        member.state = 'serving';
        member.readyAt = now();
        member.stillSince = now();
        parts.onServing(member);
        member.ready.resolve();
      },
      failed(code: string, facts: Record<string, never>) {
        member.cause = 'start';
        member.code = code;
        member.ready.reject(new RempartError(code as 'ERR_INTERNAL', facts));
        void member.worker.terminate();
      },
      dying(cause: LossCause, code?: string) {
        member.cause ??= cause;
        if (code !== undefined) member.code ??= code;
      },
      /** It has said its last words. */
      dead: () => void member.worker.terminate(),
      /** Its heap is nearly full: another one takes its place while it ends what it has in hand. */
      spent() {
        if (member.state !== 'serving' || isClosing) return;
        member.state = 'leaving';
        loss(member, 'memory');
        const timer = setTimeout(() => void member.worker.terminate(), times.leaveMs).unref();
        member.worker.once('exit', () => clearTimeout(timer));
      },
    };
  }

  function ended(member: Living): void {
    members.delete(member);
    const wasReplaced = member.state === 'leaving';
    member.state = 'gone';
    member.link.cut();
    parts.bury(member.row);
    parts.onGone(member);
    rows.push(member.row);
    const hadServed = member.readyAt !== undefined;
    if (!hadServed) member.ready.reject(new RempartError('ERR_INTERNAL'));
    if (!isClosing && !wasReplaced) loss(member, member.cause ?? (hadServed ? 'exit' : 'start'));
  }

  function loss(member: Living, cause: LossCause): void {
    // A start of the whole instance that fails is told to who wanted it, and not tried again.
    if (!hasBegun) return;
    const { slot, readyAt, code } = member;
    const isYoung = readyAt === undefined || now() - readyAt < times.steadyMs;
    const count = isYoung ? (young.get(slot) ?? 0) + 1 : 1;
    young.set(slot, count);
    const waitMs = count === 1 ? 0 : Math.min(times.longestWaitMs, times.firstWaitMs * 2 ** (count - 2));
    const about = { slot, cause, times: count, waitMs, serving: serving().length };
    parts.onLoss({ ...about, ...(code === undefined ? {} : { code }) });
    const timer = setTimeout(() => {
      waits.delete(timer);
      // What keeps it from serving comes back as its loss.
      if (!isClosing) begin(slot).catch(() => undefined);
    }, waitMs);
    waits.add(timer);
  }

  function look(): void {
    const at = now();
    // Everything stood still, this thread too: nobody's fault.
    const wasLate = at - lookedAt > times.lookMs * 3;
    lookedAt = at;
    for (const member of members) {
      const beats = parts.beats(member.row);
      if (beats !== member.beats || wasLate || member.state === 'starting') {
        member.beats = beats;
        member.stillSince = at;
      } else if (at - member.stillSince >= times.stuckMs) {
        member.cause = 'stuck';
        void member.worker.terminate();
      }
      if (member.readyAt !== undefined && at - member.readyAt >= times.steadyMs) young.delete(member.slot);
    }
  }

  let hasBegun = false;
  let timer: NodeJS.Timeout | undefined;
  return {
    async start() {
      const starts = await Promise.allSettled(Array.from({ length: workers }, (_, at) => begin(at + 1)));
      const failed = starts.find((start) => start.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
      hasBegun = true;
      timer = setInterval(look, times.lookMs).unref();
    },
    serving,
    state: () => ({
      serving: serving().length,
      of: workers,
      crashing: [...young.values()].some((count) => count >= loopFrom),
    }),
    async close(leave) {
      isClosing = true;
      clearInterval(timer);
      for (const wait of waits) clearTimeout(wait);
      await Promise.all(
        [...members].map(async (member) => {
          if (member.state === 'serving') await leave(member).catch(() => undefined);
          await member.worker.terminate();
        }),
      );
    },
  };
}
