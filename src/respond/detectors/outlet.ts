// Hands detections on, and keeps those that could not be taken until they can; the number kept has a limit.
import type { Log } from '../../platform/base/log.ts';
import type { Detection } from './detector.ts';
import type { HubEvent } from './hub.ts';
import type { Timers } from './timers.ts';

export interface Outlet {
  put(detection: Detection): void;
  waiting(): number;
  /** Waits a moment for what is under way. */
  close(): Promise<void>;
}

export interface OutletParts {
  detected(detection: Detection): unknown;
  now(): number;
  log: Log;
  timers: Timers;
  tell(event: HubEvent): void;
}

const mostWaiting = 500;
const firstRetryMs = 1_000;
const lastRetryMs = 30_000;
const closeMs = 2_000;

export function createOutlet({ detected, now, log, timers, tell }: OutletParts): Outlet {
  const underWay = new Set<Promise<void>>();
  let waiting = 0;
  let isClosed = false;

  async function attempt(detection: Detection, retryMs: number): Promise<void> {
    try {
      await detected(detection);
      waiting--;
    } catch (err) {
      log.error({ err, type: detection.type }, 'a detection could not be taken, and is tried again');
      if (isClosed) return;
      timers.after(retryMs, () => begin(detection, Math.min(retryMs * 2, lastRetryMs)));
    }
  }

  function begin(detection: Detection, retryMs: number): void {
    if (isClosed) return;
    const promise = attempt(detection, retryMs);
    underWay.add(promise);
    void promise.then(() => underWay.delete(promise));
  }

  return {
    put(detection) {
      if (waiting >= mostWaiting) {
        const { type, subject } = detection;
        return tell({ kind: 'undelivered', time: now(), type, subject, count: 1 });
      }
      waiting++;
      begin(detection, firstRetryMs);
    },
    waiting: () => waiting,
    async close() {
      const last = Promise.all(underWay);
      isClosed = true;
      await Promise.race([last, new Promise((resolve) => setTimeout(resolve, closeMs).unref())]);
    },
  };
}
