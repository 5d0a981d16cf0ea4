// The places that calls to models are worked on in: so many at once, of one key fewer, and less of both under pressure.
import type { Ending } from '../../platform/base/ending.ts';
import { RempartError } from '../../platform/base/errors.ts';
import type { Seats } from '../../platform/shared/seats.ts';
import { createGate, type Gate, type Leave, ranks } from '../gate.ts';
import type { Caller } from '../gateway/ask.ts';
import type { LimitsSettings } from './limits-config.ts';
import { createPressure, watchPressure } from './pressure.ts';

export interface Places {
  /** At once, or when its turn comes. Throws or rejects with ERR_LIMIT_AT_ONCE, ERR_OVERLOADED. */
  enter(caller: Caller, isBatch: boolean, signal: Ending): Leave | Promise<Leave>;
  /** An answer of this kind had its first word after so many milliseconds. */
  answered(kind: string, ms: number): void;
  /** From the next call on. */
  replace(settings: Concurrency): void;
  state(): { running: number; waiting: number; allowed: number };
  close(): void;
}

type Concurrency = LimitsSettings['concurrency'];

/** Until a place is likely to be free. */
const retrySeconds = 2;

/** `seats`: those of all threads, where there are several. */
export function createPlaces(
  first: Concurrency,
  refused: (scope: 'overload' | 'at-once') => void,
  seats?: Seats,
): Places {
  let settings = first;
  const pressure = createPressure(first);
  const gate: Gate = createGate({
    limit: pressure.allowed,
    ...(seats === undefined ? {} : { seats }),
    get maxWaiting() {
      return settings.waiting;
    },
    get maxWaitMs() {
      return settings.waitMs;
    },
    get perKey() {
      return settings.perKey;
    },
    retryAfterSeconds: retrySeconds,
    refusal(why) {
      refused(why === 'key' ? 'at-once' : 'overload');
      return new RempartError(why === 'key' ? 'ERR_LIMIT_AT_ONCE' : 'ERR_OVERLOADED', { seconds: retrySeconds });
    },
  });
  const close = watchPressure(pressure, () => gate.state().running);
  return {
    enter: ({ role, credential }, isBatch, signal) =>
      gate.enter({ rank: isBatch ? ranks.batch : ranks[role], key: credential.split('/', 1)[0] ?? '', signal }),
    answered: pressure.answered,
    replace(next) {
      settings = next;
      pressure.replace(next);
    },
    state: () => ({ ...gate.state(), allowed: pressure.allowed() }),
    close,
  };
}
