// Answers what waits, a few at once, under a lease that a dead node lets go of: an answer is kept once, and only by who still holds the request.
import { setTimeout as pause } from 'node:timers/promises';
import type { Json } from '../../platform/base/json.ts';
import type { Log } from '../../platform/base/log.ts';
import type { Prospect } from './classify.ts';
import type { Deferred } from './deferral.ts';
import { codeOf } from './desk.ts';
import type { Ending, Entry, Held } from './entry.ts';
import type { Queue } from './queue.ts';
import type { Seal } from './seal.ts';

export type Attempted =
  | { kind: 'answered'; answer: Json }
  | Prospect
  /** Ended by the signal. */
  | { kind: 'aborted' };

export type Answer = (
  what: Deferred,
  about: { id: string; createdAt: number; signal: AbortSignal },
) => Promise<Attempted>;

export interface WorkParts {
  queue: Queue;
  seal: Seal;
  /** Under every guard that a request meets that just came in. Never rejects. */
  answer: Answer;
  /** Nothing is to be tried now, e.g. since no model may be asked. */
  isHeld: () => boolean;
  /** Told of each end, and of what it is the end, where that can still be read. */
  ended: (entry: Entry, ending: { state: Ending['state']; code?: string }, what: Deferred | undefined) => void;
  /** Sends what is due to webhooks. */
  deliver: () => Promise<void>;
  node: string;
  now: () => number;
  log: Log;
}

export interface WorkSettings {
  atOnce: number;
  /** How often is looked while something waits, and while nothing does: other nodes may have left something. */
  busyMs?: number;
  idleMs?: number;
  leaseMs?: number;
}

export interface Work {
  wake(): void;
  /** What made them wait may be over: all are tried again soon. */
  hurry(): void;
  pace(): { answerMs: number; atOnce: number };
  /** Requests under way are given back. */
  close(): Promise<void>;
}

const longestPauseMs = 60_000;
const longestWaitMs = 600_000;
const usualAnswerMs = 3_000;

export function startWork(parts: WorkParts, settings: WorkSettings): Work {
  const { queue, seal, node, now, log } = parts;
  const { atOnce, busyMs = 500, idleMs = 10_000, leaseMs = 10_000 } = settings;
  const underWay = new Map<string, AbortController>();
  const running = new Set<Promise<void>>();
  /** Models that cannot be asked now, and how often in a row that was so. */
  const paused = new Map<string, { until: number; times: number }>();
  let answerMs = usualAnswerMs;
  /** Answers that the store could not take yet. */
  let unwritten = 0;
  let closed = false;
  let looking: Promise<void> | undefined;
  let again = false;
  let wasHeld = false;
  let timer: NodeJS.Timeout | undefined;

  function schedule(ms: number): void {
    clearTimeout(timer);
    if (!closed) timer = setTimeout(look, ms).unref();
  }

  /** At once, or once more when a look is under way: what it has passed already may be what there is. */
  function wake(): void {
    if (looking === undefined) schedule(0);
    else again = true;
  }

  function look(): void {
    if (closed || looking !== undefined) return;
    again = false;
    looking = lookOnce().then((waits) => {
      looking = undefined;
      schedule(again ? 0 : waits ? busyMs : idleMs);
    });
  }

  /** True when something waits. */
  async function lookOnce(): Promise<boolean> {
    try {
      for (const entry of await queue.expire()) {
        parts.ended(entry, { state: 'expired', code: 'ERR_DEFERRED_EXPIRED' }, opened(entry));
        await queue.wipe(entry.id);
      }
      if (parts.isHeld()) wasHeld = true;
      else {
        if (wasHeld) await queue.hurry();
        wasHeld = false;
        await takeAll();
      }
      await parts.deliver();
      await queue.erase();
      const { waiting, running: taken, due } = await queue.counts();
      return waiting + taken + due > 0;
    } catch (error) {
      // Nothing is lost: what waits is in the store, and its answer is held until it can be kept.
      log.debug({ code: codeOf(error) }, 'the queue of deferred requests cannot be read');
      return true;
    }
  }

  async function takeAll(): Promise<void> {
    while (!closed && unwritten === 0 && running.size < atOnce) {
      const entry = await queue.claim(node, leaseMs, { models: pausedModels() });
      if (entry === undefined) return;
      const one = work(entry).finally(() => {
        running.delete(one);
        underWay.delete(entry.id);
        wake();
      });
      running.add(one);
    }
  }

  function pausedModels(): string[] {
    const at = now();
    return [...paused].flatMap(([model, { until }]) => (until > at ? [model] : []));
  }

  async function work(entry: Entry): Promise<void> {
    const held: Held = { id: entry.id, attempts: entry.attempts, node };
    const over = new AbortController();
    underWay.set(entry.id, over);
    const lease = setInterval(() => {
      queue.renew(held, leaseMs).then(
        (isOurs) => (isOurs ? undefined : over.abort()),
        () => undefined,
      );
    }, leaseMs / 3).unref();
    const deadline = setTimeout(() => over.abort(), Math.max(0, entry.deadlineAt - now())).unref();
    const startedAt = now();
    try {
      const what = opened(entry);
      const attempted = await attempt(entry, what, over.signal);
      if (attempted.kind === 'answered') answerMs += (now() - startedAt - answerMs) / 5;
      const ending = await conclude(entry, held, attempted);
      if (ending !== undefined) parts.ended(entry, ending, what);
    } finally {
      clearInterval(lease);
      clearTimeout(deadline);
    }
  }

  function opened({ id, request }: Entry): Deferred | undefined {
    try {
      return seal.open(request ?? '', `${id} request`) as unknown as Deferred;
    } catch (error) {
      log.error({ err: error, id }, 'a deferred request cannot be opened');
      return undefined;
    }
  }

  async function attempt(
    { id, createdAt }: Entry,
    what: Deferred | undefined,
    signal: AbortSignal,
  ): Promise<Attempted> {
    if (what === undefined) return { kind: 'never', code: 'ERR_INTERNAL' };
    return parts.answer(what, { id, createdAt, signal });
  }

  /** How it ended, if it did. */
  async function conclude(entry: Entry, held: Held, attempted: Attempted): Promise<Ending | undefined> {
    const { id, model } = entry;
    if (attempted.kind === 'answered') {
      paused.delete(model);
      return keep(held, { state: 'answered', answer: seal.close(attempted.answer, `${id} answer`) });
    }
    if (attempted.kind === 'never') return keep(held, { state: 'failed', code: attempted.code });
    if (now() >= entry.deadlineAt) return keep(held, { state: 'expired', code: 'ERR_DEFERRED_EXPIRED' });
    if (attempted.kind === 'aborted') {
      // Cancelled, taken over, or this instance ends; only in the last case is it still ours to give back.
      await written(() => queue.postpone(held, { tryMs: 0, expectedMs: 0 }, 'ERR_DEFERRED_CANCELLED'));
      return undefined;
    }
    const { waitMs, ofModel, code } = attempted;
    const tryMs = ofModel ? pauseModel(model, waitMs) : Math.min(waitMs, longestWaitMs);
    await written(() => queue.postpone(held, { tryMs, expectedMs: waitMs }, code));
    return undefined;
  }

  /** Twice as long each time: a long outage is not asked about every second. */
  function pauseModel(model: string, waitMs: number): number {
    const times = paused.get(model)?.times ?? 0;
    const ms = Math.min(longestPauseMs, Math.max(waitMs, 1_000 * 2 ** Math.min(times, 6)));
    const before = paused.get(model)?.until ?? 0;
    // Those that were under way together are one try.
    paused.set(model, { until: Math.max(before, now() + ms), times: before > now() ? times : times + 1 });
    return ms;
  }

  /** Undefined: it was somebody else's by then. */
  async function keep(held: Held, ending: Ending): Promise<Ending | undefined> {
    return (await written(() => queue.end(held, ending))) ? ending : undefined;
  }

  /** What was worked out is not thrown away because the store is away for a moment. */
  async function written(write: () => Promise<boolean>): Promise<boolean> {
    unwritten++;
    try {
      for (;;) {
        try {
          return await write();
        } catch (error) {
          if (closed) return false;
          log.warn({ code: codeOf(error) }, 'the end of a deferred request cannot be kept yet');
          await pause(busyMs);
        }
      }
    } finally {
      unwritten--;
    }
  }

  schedule(0);
  return {
    wake,
    hurry() {
      paused.clear();
      queue.hurry().then(wake, () => undefined);
    },
    pace: () => ({ answerMs, atOnce }),
    async close() {
      closed = true;
      clearTimeout(timer);
      for (const over of underWay.values()) over.abort();
      await looking;
      for (const over of underWay.values()) over.abort();
      await Promise.all(running);
    },
  };
}
