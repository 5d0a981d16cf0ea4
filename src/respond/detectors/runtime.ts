// The detector that watches this process itself: its event loop, its memory, and the shape of what is asked of it against what it has learned to be usual.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import { createBaseline } from './baseline.ts';
import type { Detector, DetectorContext } from './detector.ts';
import { lookEvery, type Timers } from './timers.ts';

/** Counted since the process began, but for the latency, which is that of the last moment. */
export interface RuntimeSample {
  requests: number;
  errors: number;
  /** Refused before they cost anything: by keys, limits, the front. */
  refused?: number;
  /** Of what was answered lately; undefined when nothing was. */
  latencyMs?: number;
  /** Addresses that asked within the last minute, and the share of the busiest, where it is known. */
  sources?: number;
  busiestShare?: number;
}

export interface RuntimeParts {
  timers: Timers;
  sample?: () => RuntimeSample | Promise<RuntimeSample>;
  /** Of this process, unless a test gives others. */
  memory?: () => { heapUsed: number; heapLimit: number; rss: number };
  delayMs?: () => number;
  steady?: () => number;
  everyMs?: number;
}

export interface RuntimeSettings {
  /** The event loop is late by so much for so many looks in a row. */
  loopDelayMs: number;
  loopLooks: number;
  /** Share of the heap's limit from which growth matters. */
  memoryShare: number;
  /** Growth over the window that ends at the limit within so many minutes is told of. */
  memoryMinutesLeft: number;
  /** Requests a second below which no load is an attack. */
  floodPerSecond: number;
  /** How many times the usual. */
  floodTimes: number;
  latencyTimes: number;
}

export const defaultRuntime: RuntimeSettings = {
  ...{ loopDelayMs: 250, loopLooks: 5, memoryShare: 0.75, memoryMinutesLeft: 30 },
  ...{ floodPerSecond: 20, floodTimes: 8, latencyTimes: 4 },
};

export function runtimeDetector(parts: RuntimeParts, settings: RuntimeSettings = defaultRuntime): Detector {
  const { timers, everyMs = 1_000 } = parts;
  return {
    name: 'runtime',
    types: ['performance-anomaly', 'memory-exhaustion', 'denial-of-service'],
    deadAfterMs: Math.max(60_000, everyMs * 30),
    start(context) {
      const ownLoop = parts.delayMs === undefined ? monitorEventLoopDelay({ resolution: 20 }) : undefined;
      ownLoop?.enable();
      let lastDelayMs = 0;
      const delayMs =
        parts.delayMs ??
        (() => {
          // A loop held up so long that no two samples fall between two looks is told to begin anew only once there are some.
          if (ownLoop!.count === 0) return lastDelayMs;
          lastDelayMs = Math.max(0, ownLoop!.mean / 1e6 - 20);
          ownLoop!.reset();
          return lastDelayMs;
        });
      const judges = [
        loopJudge(context, delayMs, settings),
        memoryJudge(context, parts.memory ?? ownMemory, parts.steady ?? (() => performance.now()), settings),
        ...(parts.sample === undefined
          ? []
          : [trafficJudge(context, parts.sample, parts.steady ?? (() => performance.now()), settings)]),
      ];
      const looking = lookEvery({ timers, ms: everyMs }, context, async () => {
        for (const judge of judges) await judge();
      });
      return {
        async close() {
          ownLoop?.disable();
          await looking.close();
        },
      };
    },
  };
}

const subject = 'rempart';

function loopJudge(context: DetectorContext, delayMs: () => number, { loopDelayMs, loopLooks }: RuntimeSettings) {
  let late = 0;
  return () => {
    const delay = delayMs();
    late = delay >= loopDelayMs * context.tightness() ? late + 1 : 0;
    if (late !== loopLooks) return;
    context.report({
      type: 'performance-anomaly',
      subject,
      occurredAt: context.now(),
      severity: 'medium',
      facts: { sign: 'event loop late', delayMs: Math.round(delay), looks: late },
    });
  };
}

function ownMemory() {
  const { heapUsed, rss } = process.memoryUsage();
  // What V8 may take, or what the container may, whichever is less.
  const heapLimit = Math.min(
    process.constrainedMemory() || Number.POSITIVE_INFINITY,
    getHeapStatistics().heap_size_limit,
  );
  return { heapUsed, rss, heapLimit };
}

const memoryWindowMs = 600_000;
const memoryEveryMs = 10_000;

/** The lowest of each half minute: what stays after collections, so that a saw tooth is no growth. */
function memoryJudge(
  context: DetectorContext,
  memory: () => { heapUsed: number; heapLimit: number },
  steady: () => number,
  { memoryShare, memoryMinutesLeft }: RuntimeSettings,
) {
  let floors: { at: number; bytes: number }[] = [];
  let nextAt = Number.NEGATIVE_INFINITY;
  let toldAt = Number.NEGATIVE_INFINITY;
  return () => {
    const at = steady();
    const { heapUsed, heapLimit: limit } = memory();
    const last = floors.at(-1);
    if (last !== undefined && at < nextAt) {
      last.bytes = Math.min(last.bytes, heapUsed);
      return;
    }
    nextAt = at + memoryEveryMs * 3;
    floors = floors.filter((floor) => floor.at > at - memoryWindowMs);
    // Growth that is over, as at a start, is none: the younger half must grow as well.
    const slope = Math.min(slopeOf(floors), slopeOf(floors.slice(Math.floor(floors.length / 2))));
    floors.push({ at, bytes: heapUsed });
    if (floors.length < 6 || !Number.isFinite(limit) || at - toldAt < memoryWindowMs) return;
    const used = floors.at(-2)!.bytes;
    const minutesLeft = slope <= 0 ? Number.POSITIVE_INFINITY : (limit - used) / slope / 60_000;
    const isFull = used >= limit * 0.95;
    const isFilling = used >= limit * memoryShare * context.tightness() && minutesLeft <= memoryMinutesLeft;
    if (!isFull && !isFilling) return;
    toldAt = at;
    context.report({
      type: 'memory-exhaustion',
      subject,
      occurredAt: context.now(),
      severity: 'high',
      facts: {
        heapBytes: used,
        limitBytes: limit,
        ...(Number.isFinite(minutesLeft) ? { minutesLeft: Math.round(minutesLeft) } : {}),
      },
    });
  };
}

/** Bytes a millisecond, by least squares. */
function slopeOf(points: readonly { at: number; bytes: number }[]): number {
  if (points.length < 2) return 0;
  const meanAt = points.reduce((sum, { at }) => sum + at, 0) / points.length;
  const meanBytes = points.reduce((sum, { bytes }) => sum + bytes, 0) / points.length;
  const over = points.reduce((sum, { at, bytes }) => sum + (at - meanAt) * (bytes - meanBytes), 0);
  const under = points.reduce((sum, { at }) => sum + (at - meanAt) ** 2, 0);
  return under === 0 ? 0 : over / under;
}

const trafficLooks = 5;
/** While nothing is known of what is usual. */
const coldTimes = 50;

/** Requests, errors and latency of ten seconds against those before; a cold baseline says nothing. */
function trafficJudge(
  context: DetectorContext,
  sample: NonNullable<RuntimeParts['sample']>,
  steady: () => number,
  settings: RuntimeSettings,
) {
  const rate = createBaseline(0.25);
  const latency = createBaseline(0.25);
  let before: { at: number; sample: RuntimeSample } | undefined;
  let flooded = 0;
  let slow = 0;

  function judgeFlood(perSecond: number, now: RuntimeSample, refusedShare: number): void {
    const tight = context.tightness();
    const isKnown = rate.judge(perSecond) !== undefined;
    const usual = Math.max(settings.floodPerSecond, rate.middle() * settings.floodTimes) * tight;
    // While nothing is known of what is usual, only what is beyond any doubt.
    flooded = perSecond >= (isKnown ? usual : settings.floodPerSecond * coldTimes) ? flooded + 1 : 0;
    if (flooded !== trafficLooks) return;
    context.report({
      type: 'denial-of-service',
      subject: 'gateway',
      occurredAt: context.now(),
      severity: 'high',
      facts: {
        sign: shapeOf(now),
        requestsPerSecond: Math.round(perSecond),
        usualPerSecond: Math.round(rate.middle() * 10) / 10,
        refusedPercent: Math.round(refusedShare * 100),
        ...(now.sources === undefined ? {} : { sources: now.sources }),
      },
    });
  }

  function judgeLatency(latencyMs: number | undefined): void {
    if (latencyMs === undefined) return;
    const off = latency.judge(latencyMs);
    const usual = latency.middle();
    const isSlow =
      off !== undefined &&
      off > 6 &&
      latencyMs > usual * settings.latencyTimes * context.tightness() &&
      latencyMs > 500;
    slow = isSlow ? slow + 1 : 0;
    if (slow === trafficLooks * 3)
      context.report({
        type: 'performance-anomaly',
        subject: 'gateway',
        occurredAt: context.now(),
        severity: 'medium',
        facts: { sign: 'latency', latencyMs: Math.round(latencyMs), usualMs: Math.round(usual) },
      });
    latency.learn(latencyMs);
  }

  return async () => {
    const now = await sample();
    const at = steady();
    const last = before;
    before = { at, sample: now };
    if (last === undefined || at <= last.at || now.requests < last.sample.requests) return;
    const asked = now.requests - last.sample.requests;
    const perSecond = (asked * 1_000) / (at - last.at);
    const refused = (now.refused ?? 0) - (last.sample.refused ?? 0);
    judgeFlood(perSecond, now, asked === 0 ? 0 : Math.min(1, Math.max(0, refused) / asked));
    rate.learn(perSecond);
    judgeLatency(now.latencyMs);
  };
}

function shapeOf({ sources, busiestShare }: RuntimeSample): string {
  if (sources === undefined) return 'many requests';
  if (sources <= 3 || (busiestShare ?? 0) >= 0.8) return 'one source';
  return sources >= 50 ? 'many sources' : 'some sources';
}
