// One detector kept going: started, watched for silence, begun anew after a failure, later each time.
import { setTimeout as wait } from 'node:timers/promises';
import type { Log } from '../../platform/base/log.ts';
import type { Detection, Detector, DetectorContext } from './detector.ts';
import { harmless } from './harmless.ts';
import type { DetectorState, HubEvent } from './hub.ts';
import type { Timers } from './timers.ts';

export interface KeptGoing {
  start(): void;
  /** Looks for silence; `stoodStillMs` is time in which nobody could have given a sign. */
  tick(stoodStillMs: number): void;
  state(): DetectorState;
  close(): Promise<void>;
}

export interface KeptGoingParts {
  now(): number;
  steady(): number;
  log: Log;
  timers: Timers;
  report(detection: Detection): void;
  tell(event: HubEvent): void;
  alive(detector: string, isAlive: boolean): void;
  restarted(detector: string): void;
  tightness(): number;
}

const firstRetryMs = 1_000;
const lastRetryMs = 60_000;
/** Failures in a row from which on one more than its own log should know. */
const tellAfter = 3;
/** Who went on so long without a failure is well again, even if it only listens. */
const wellAfterMs = 300_000;
const closeMs = 2_000;
/** Clocks of several machines may differ by so much. */
const aheadMs = 60_000;

export function createKeptGoing(detector: Detector, parts: KeptGoingParts): KeptGoing {
  const { now, steady, log, timers, tell } = parts;
  const { name, types, deadAfterMs } = detector;
  let handle: { close(): Promise<void> | void } | undefined;
  let state: DetectorState['state'] = 'watching';
  let aliveAt: number | null = null;
  let heardAt = steady();
  let startedAt = steady();
  let isTold = false;
  let failures = 0;
  let detections = 0;
  let restarts = 0;
  let isClosed = false;
  let endRetry: (() => void) | undefined;

  function heard(): void {
    heardAt = steady();
    aliveAt = now();
    failures = 0;
    if (state !== 'watching' || isTold) {
      state = 'watching';
      parts.alive(name, true);
      if (isTold) tell({ kind: 'back', time: now(), detector: name, seconds: 0 });
      isTold = false;
    }
  }

  /** That a detector cannot watch is itself worth a look: someone may have blinded it. */
  function tellOfItself(facts: Detection['facts']): void {
    if (isTold) return;
    isTold = true;
    parts.report({
      detector: 'hub',
      type: 'suspicious-patterns',
      subject: name,
      occurredAt: now(),
      detectedAt: now(),
      severity: 'medium',
      facts,
    });
  }

  function failed(error: unknown): void {
    if (isClosed || endRetry !== undefined) return;
    if (steady() - startedAt > wellAfterMs) failures = 0;
    failures++;
    state = 'failed';
    parts.alive(name, false);
    log.warn({ err: error, detector: name, failures }, 'a detector failed and is begun anew');
    const retryMs = Math.min(firstRetryMs * 2 ** (failures - 1), lastRetryMs);
    tell({ kind: 'failed', time: now(), detector: name, failures, retrySeconds: retryMs / 1_000 });
    if (failures >= tellAfter) tellOfItself({ state: 'failed', failures });
    void end();
    endRetry = timers.after(retryMs, () => {
      endRetry = undefined;
      restarts++;
      parts.restarted(name);
      start();
    });
  }

  /** A handle that does not end must not hold up anybody. */
  async function end(): Promise<void> {
    const ending = handle;
    handle = undefined;
    if (ending === undefined) return;
    const limit = new AbortController();
    try {
      await Promise.race([ending.close(), wait(closeMs, undefined, { signal: limit.signal, ref: false })]);
    } catch (err) {
      log.warn({ err, detector: name }, 'a detector could not be ended');
    } finally {
      limit.abort();
    }
  }

  const context: DetectorContext = {
    now,
    log,
    tightness: parts.tightness,
    failed,
    alive: () => {
      if (!isClosed) heard();
    },
    report(given) {
      if (isClosed) return;
      heardAt = steady();
      detections++;
      if (!types.includes(given.type)) log.warn({ detector: name, type: given.type }, 'a type that was not announced');
      parts.report(cleaned(given, name, now()));
    },
  };

  function start(): void {
    if (isClosed) return;
    startedAt = steady();
    heardAt = steady();
    try {
      handle = detector.start(context);
      // It failed while it began.
      if (endRetry !== undefined) return void end();
      // Who only listens gives no signs of life: it watches once it has begun.
      if (deadAfterMs !== undefined) return;
      parts.alive(name, true);
      state = 'watching';
    } catch (err) {
      failed(err);
    }
  }

  return {
    start,
    tick(stoodStillMs) {
      heardAt += stoodStillMs;
      if (isClosed || endRetry !== undefined) return;
      if (deadAfterMs === undefined) {
        if (failures > 0 && steady() - startedAt > wellAfterMs) heard();
        return;
      }
      const silentMs = steady() - heardAt;
      if (silentMs <= deadAfterMs) return;
      const seconds = Math.round(silentMs / 1_000);
      tell({ kind: 'silent', time: now(), detector: name, seconds });
      tellOfItself({ state: 'silent', seconds, limitSeconds: Math.round(deadAfterMs / 1_000) });
      failed(new Error('no sign of life'));
      state = 'silent';
    },
    state: () => ({ name, types, state, aliveAt, detections, restarts }),
    async close() {
      isClosed = true;
      endRetry?.();
      await end();
    },
  };
}

/** Detectors clean what they tell; this is for the one that forgot to. */
function cleaned(given: Omit<Detection, 'detector' | 'detectedAt'>, detector: string, now: number): Detection {
  const { occurredAt } = given;
  const isPossible = Number.isFinite(occurredAt) && occurredAt > 0 && occurredAt <= now + aheadMs;
  const facts = Object.entries(given.facts)
    .slice(0, 30)
    .map(([name, value]) => [harmless(name, 40), typeof value === 'string' ? harmless(value) : value]);
  return {
    ...given,
    detector,
    subject: harmless(given.subject, 120),
    facts: Object.fromEntries(facts),
    occurredAt: isPossible ? occurredAt : now,
    detectedAt: now,
  };
}
