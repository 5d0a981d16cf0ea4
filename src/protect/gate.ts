// How many questions are worked on at once: many as a rule, few while the host is overloaded, the important ones first.
import { RempartError } from '../platform/base/errors.ts';
import type { Role } from './gateway/ask.ts';

export interface Gate {
  /** Runs `work` when its turn comes; rejects with ERR_RATE_LIMITED when too many wait or the wait is too long. */
  admit<T>(role: Role, work: () => Promise<T>): Promise<T>;
  state(): { running: number; waiting: number };
}

export interface GateSettings {
  /** Asked at each turn, so that it can follow the host's state. */
  limit: () => number;
  maxWaiting: number;
  maxWaitMs: number;
  retryAfterSeconds: number;
}

interface Waiting {
  rank: number;
  begin: () => void;
  refuse: (error: RempartError) => void;
  timer: NodeJS.Timeout;
}

/** Lower is sooner. */
const ranks: Readonly<Record<Role, number>> = { admin: 0, operator: 0, user: 1, viewer: 1 };

export function createGate(settings: GateSettings): Gate {
  let running = 0;
  /** By rank, then by arrival. */
  const waiting: Waiting[] = [];
  const refusal = () => new RempartError('ERR_RATE_LIMITED', { seconds: settings.retryAfterSeconds });

  function next(): void {
    while (running < settings.limit()) {
      const first = waiting.shift();
      if (first === undefined) return;
      clearTimeout(first.timer);
      running++;
      first.begin();
    }
  }

  function enqueue(rank: number): Promise<void> {
    return new Promise((begin, refuse) => {
      const leave = () => {
        const at = waiting.indexOf(entry);
        if (at >= 0) waiting.splice(at, 1);
        refuse(refusal());
      };
      const entry: Waiting = { rank, begin, refuse, timer: setTimeout(leave, settings.maxWaitMs) };
      const at = waiting.findIndex((other) => other.rank > rank);
      waiting.splice(at < 0 ? waiting.length : at, 0, entry);
      if (waiting.length <= settings.maxWaiting) return;
      // Full: the least important and latest goes, which may be the one that just came.
      const last = waiting.pop();
      if (last === undefined) return;
      clearTimeout(last.timer);
      last.refuse(refusal());
    });
  }

  return {
    async admit(role, work) {
      if (running < settings.limit() && waiting.length === 0) running++;
      else await enqueue(ranks[role]);
      try {
        return await work();
      } finally {
        running--;
        next();
      }
    },
    state: () => ({ running, waiting: waiting.length }),
  };
}
