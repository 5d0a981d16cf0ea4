// What is measured of one provider: how long its answers take to begin, and how many attempts fail; when the breaker will open if it goes on like this.
import { createMeasure, createVerdict, type Forecast, type Measure } from './forecast.ts';
import { createTrend, type Line } from './trend.ts';
import { createUsual } from './usual.ts';

export interface LatencySeries {
  add(ms: number): void;
  /** The end of a span of measuring. */
  close(at: number): void;
  forecast(): Forecast;
}

/** `limitMs`: who has not begun by then has failed. */
export function createLatencySeries(limitMs: number, horizonMs: number): LatencySeries {
  const measure: Measure = createMeasure({
    ...{ limit: limitMs, byRatio: true, leastSpread: 0.08, leastShare: 0.3 },
    ...{ horizonMs, length: 36, warmAfter: 60 },
  });
  let count = 0;
  let sum = 0;
  let squares = 0;
  /** Of the logarithms, within a span. */
  let variance = 0.25;
  return {
    add(ms) {
      const log = Math.log(Math.max(1, ms));
      count++;
      sum += log;
      squares += log * log;
    },
    close(at) {
      if (count === 0) return;
      const mean = sum / count;
      if (count >= 4) variance += 0.05 * (Math.max(0.01, squares / count - mean * mean) - variance);
      const deviation = Math.sqrt(variance);
      // The middle of a distribution has long to go when its slowest fifth is there already.
      const limit = limitMs / Math.exp(0.84 * deviation);
      measure.add(at, Math.exp(mean), { spread: deviation / Math.sqrt(count), limit });
      count = 0;
      sum = 0;
      squares = 0;
    },
    forecast: measure.forecast,
  };
}

export interface ErrorSeries {
  add(failed: boolean): void;
  close(at: number): void;
  forecast(): Forecast;
}

export interface ErrorSettings {
  /** Failures in a row that open the breaker. */
  run: number;
  spanMs: number;
  horizonMs: number;
}

const stepMs = 5_000;
/** Below this share of failures a run of them is chance. */
const leastShare = 0.1;
/** So likely it has happened by then. */
const likely = 0.7;

export function createErrorSeries({ run, spanMs, horizonMs }: ErrorSettings): ErrorSeries {
  const usual = createUsual({ leastSpread: 1, warmAfter: 60, halfLife: 360 });
  const trend = createTrend(24);
  // A hiccup of a few seconds is what retries are for.
  const verdict = createVerdict({ raiseAfter: 4, clearAfter: 12 });
  let count = 0;
  let failures = 0;
  /** Of attempts in calm times. */
  let usualShare = 0.01;
  let perMs = 0;

  /** A run of failures of a given length needs on average so many attempts; its hazard is added up along the line. */
  function opensIn({ level, slope }: Line): number | undefined {
    let hazard = 0;
    for (let ms = 0; ms <= horizonMs; ms += stepMs) {
      const share = Math.min(0.99, Math.max(0, level + slope * ms));
      hazard += perMs * stepMs * (1 - share) * share ** run;
      if (share >= 0.95 || hazard >= -Math.log(1 - likely)) return ms;
    }
    return undefined;
  }

  function failsIn(): number | undefined {
    const line = trend.line();
    if (line === undefined || !usual.hasLeft() || line.level < leastShare) return undefined;
    // A line that is not sure to rise is taken for level.
    return opensIn(line.sureness >= 2 ? line : { ...line, slope: 0 });
  }

  return {
    add(failed) {
      count++;
      if (failed) failures++;
    },
    close(at) {
      if (count === 0) return;
      const share = failures / count;
      // Binomial, and a quarter of a failure for what is not chance alone.
      const deviation = Math.sqrt(count * usualShare * (1 - usualShare) + 0.25);
      usual.add((failures - count * usualShare) / deviation, { rises: (trend.line()?.sureness ?? 0) >= 2 });
      if (usual.evidence() < 0.3) usualShare += 0.01 * (Math.min(0.2, share) - usualShare);
      usualShare = Math.max(0.002, usualShare);
      perMs += 0.1 * (count / spanMs - perMs);
      trend.add(at, share);
      verdict.next(failsIn(), usual.isWarm());
      count = 0;
      failures = 0;
    },
    forecast: verdict.told,
  };
}
