// How many are worked on at once: many as a rule, few while something is overloaded, the important ones first, and nobody last for ever.
import type { Ending } from '../platform/base/ending.ts';
import { RempartError } from '../platform/base/errors.ts';
import { ownSeats, type Seats } from '../platform/shared/seats.ts';
import type { Role } from './gateway/ask.ts';

/** Lower is sooner. */
export const ranks = { admin: 0, operator: 0, user: 1, viewer: 1, batch: 2 } as const satisfies Record<
  Role | 'batch',
  number
>;

export interface Entering {
  rank: number;
  /** Whose places are counted apart. */
  key?: string;
  /** Gives up waiting. */
  signal?: Ending;
}

/** Gives the place back; a second call does nothing. */
export type Leave = () => void;

export interface Gate {
  /** Runs `work` when its turn comes; rejects as `enter` does. */
  admit<T>(role: Role, work: () => Promise<T>): Promise<T>;
  /**
   * A place: at once where one is free, so that nobody waits for a promise. Throws or rejects with ERR_RATE_LIMITED, or
   * what `refusal` makes, when too many wait, the wait is too long or the key has all that it may.
   */
  enter(asked: Entering): Leave | Promise<Leave>;
  state(): { running: number; waiting: number };
}

export interface GateSettings {
  /** Asked at each turn, so that it can follow the host's state. */
  limit: () => number;
  maxWaiting: number;
  maxWaitMs: number;
  retryAfterSeconds: number;
  /** Places of one key at most; who has them is refused and does not wait. */
  perKey?: number;
  /** Default: ERR_RATE_LIMITED. */
  refusal?: (why: 'crowded' | 'key') => RempartError;
  /** Where they are counted; default: in this thread alone. */
  seats?: Seats;
}

interface Waiting {
  rank: number;
  key: string | undefined;
  /** In the order of arrival. */
  nth: number;
  begin: () => void;
  refuse: (error: RempartError) => void;
  timer: NodeJS.Timeout;
}

/** Each so many-th place goes to who has waited longest, whatever the rank: the last in line moves too. */
const fairTurn = 4;
/** Where other threads leave without a word, who waits looks this often. */
const lookMs = 10;

export function createGate(settings: GateSettings): Gate {
  const { seats = ownSeats() } = settings;
  let arrivals = 0;
  let turns = 0;
  /** By rank, then by arrival. */
  const waiting: Waiting[] = [];
  let looking: NodeJS.Timeout | undefined;
  const refusal =
    settings.refusal ?? (() => new RempartError('ERR_RATE_LIMITED', { seconds: settings.retryAfterSeconds }));

  function leaving(key: string | undefined): Leave {
    let isIn = true;
    return () => {
      if (!isIn) return;
      isIn = false;
      seats.rise();
      if (key !== undefined) seats.free(key);
      next();
    };
  }

  function remove(entry: Waiting): void {
    const at = waiting.indexOf(entry);
    if (at >= 0) waiting.splice(at, 1);
    clearTimeout(entry.timer);
  }

  function next(): void {
    while (waiting.length > 0 && seats.sit(settings.limit())) {
      const isFair = ++turns % fairTurn === 0;
      const first = isFair ? waiting.reduce((a, b) => (b.nth < a.nth ? b : a)) : waiting[0]!;
      remove(first);
      first.begin();
    }
    if (waiting.length === 0) {
      clearInterval(looking);
      looking = undefined;
    }
  }

  /** Full: the latest of the least important goes, which may be the one that just came; but the first of each rank stays in line. */
  function evict(): Waiting | undefined {
    for (let at = waiting.length - 1; at > 0; at--) if (waiting[at - 1]!.rank === waiting[at]!.rank) return waiting[at];
    return waiting.at(-1);
  }

  function enqueue({ rank, key, signal }: Entering): Promise<Leave> {
    return new Promise((resolve, reject) => {
      const gone = () => leave(new RempartError('ERR_RATE_LIMITED', { seconds: settings.retryAfterSeconds }));
      const leave = (error: RempartError) => {
        remove(entry);
        entry.refuse(error);
      };
      const entry: Waiting = {
        rank,
        key,
        nth: arrivals++,
        begin: () => {
          signal?.removeEventListener('abort', gone);
          resolve(leaving(key));
        },
        refuse: (error) => {
          signal?.removeEventListener('abort', gone);
          if (key !== undefined) seats.free(key);
          reject(error);
        },
        timer: setTimeout(() => leave(refusal('crowded')), settings.maxWaitMs),
      };
      signal?.addEventListener('abort', gone, { once: true });
      const at = waiting.findIndex((other) => other.rank > rank);
      waiting.splice(at < 0 ? waiting.length : at, 0, entry);
      if (seats.isShared) looking ??= setInterval(next, lookMs).unref();
      if (waiting.length <= settings.maxWaiting) return;
      const last = evict();
      if (last === undefined) return;
      remove(last);
      last.refuse(refusal('crowded'));
    });
  }

  function enter(asked: Entering): Leave | Promise<Leave> {
    const { key } = asked;
    // Who waits has its key's place already, or a key could fill the queue.
    if (key !== undefined && !seats.hold(key, settings.perKey ?? Number.POSITIVE_INFINITY)) throw refusal('key');
    // More places than a moment ago, and nobody has left since.
    if (waiting.length > 0) next();
    if (waiting.length > 0 || !seats.sit(settings.limit())) return enqueue(asked);
    return leaving(key);
  }

  return {
    async admit(role, work) {
      const entered = enter({ rank: ranks[role] });
      const leave = entered instanceof Promise ? await entered : entered;
      try {
        return await work();
      } finally {
        leave();
      }
    },
    enter,
    state: () => ({ running: seats.running(), waiting: waiting.length }),
  };
}
