// Keeps all detectors going and hands on what they saw: repeats counted, floods held back by number, silence told of, failures begun anew.
import type { Registry } from 'prom-client';
import type { Log } from '../../platform/base/log.ts';
import type { Detection, Detector } from './detector.ts';
import { createHubMetrics } from './hub-metrics.ts';
import { createKeptGoing } from './kept-going.ts';
import { createOutlet } from './outlet.ts';
import { createSieve, type SieveSettings } from './sieve.ts';
import { realTimers, type Timers } from './timers.ts';

/** What the hub does that a reader of the journal should know of; facts are names and numbers. */
export type HubEvent =
  | {
      kind: 'suppressed';
      time: number;
      why: 'repeat' | 'throttle';
      type: string;
      subject: string;
      count: number;
    }
  | { kind: 'silent' | 'back'; time: number; detector: string; seconds: number }
  | { kind: 'failed'; time: number; detector: string; failures: number; retrySeconds: number }
  | { kind: 'undelivered'; time: number; type: string; subject: string; count: number };

export interface HubParts {
  detectors: readonly Detector[];
  /** Tried again while it rejects. */
  detected(detection: Detection): unknown;
  now(): number;
  log: Log;
  /** 1, or below it while monitoring is heightened. */
  tightness?: () => number;
  tell?: (event: HubEvent) => void;
  registry?: Registry;
  timers?: Timers;
  /** Milliseconds that only go forward; for silence and windows. */
  steady?: () => number;
}

export interface DetectorState {
  name: string;
  types: readonly string[];
  state: 'watching' | 'silent' | 'failed';
  /** Milliseconds since the epoch; null before the first sign of life. */
  aliveAt: number | null;
  detections: number;
  restarts: number;
}

export interface Hub {
  states(): DetectorState[];
  /** Not handed on one by one, since the start; all of them are in the numbers that were. */
  suppressed(): { repeats: number; throttled: number; byType: Readonly<Record<string, number>> };
  /** Detections that wait to be taken. */
  waiting(): number;
  close(): Promise<void>;
}

const tickMs = 1_000;

/** Nothing that a detector does ends the process: what it throws at its start, or says of itself, begins it anew. */
export function watchDetectors(parts: HubParts, settings: Partial<SieveSettings> = {}): Hub {
  const { now, log } = parts;
  const timers = parts.timers ?? realTimers;
  const steady = parts.steady ?? (() => performance.now());
  const metrics = createHubMetrics(parts.registry);
  const tell = (event: HubEvent) => {
    if (event.kind === 'suppressed') metrics.suppressed(event.type, event.why, event.count);
    try {
      parts.tell?.(event);
    } catch (err) {
      log.error({ err }, 'what the hub tells could not be taken');
    }
  };
  const outlet = createOutlet({ detected: parts.detected, now, log, timers, tell });
  const sieve = createSieve({ now, steady, pass: outlet.put, tell }, settings);
  const report = (detection: Detection) => {
    metrics.detection(detection.detector, detection.type);
    sieve.take(detection);
  };
  const kept = parts.detectors.map((detector) =>
    createKeptGoing(detector, {
      now,
      steady,
      log,
      timers,
      report,
      tell,
      alive: metrics.alive,
      restarted: metrics.restarted,
      tightness: parts.tightness ?? (() => 1),
    }),
  );
  for (const one of kept) one.start();
  let tickedAt = steady();
  const end = timers.every(tickMs, () => {
    const at = steady();
    // Where the hub itself stood still, so did all of them: a suspended machine is nobody's silence.
    const stoodStill = Math.max(0, at - tickedAt - 2 * tickMs);
    tickedAt = at;
    for (const one of kept) one.tick(stoodStill);
    sieve.tick();
  });
  return {
    states: () => kept.map((one) => one.state()),
    suppressed: sieve.suppressed,
    waiting: outlet.waiting,
    async close() {
      end();
      await Promise.all(kept.map((one) => one.close()));
      sieve.flush();
      await outlet.close();
    },
  };
}
