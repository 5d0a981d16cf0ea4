// Forecasts of one measured value: fails when its line meets its limit soon, and has left what is usual; told after it has stood for a while, taken back likewise.
import { createTrend, type Line, reaches } from './trend.ts';
import { createUsual } from './usual.ts';

export type Forecast = { kind: 'learning' } | { kind: 'calm' } | { kind: 'failing'; inMs: number };

export interface Forecaster {
  forecast(): Forecast;
}

export interface Persistence {
  /** Values in a row before it is told, and before it is taken back. */
  raiseAfter: number;
  clearAfter: number;
}

/** One more than the very end of a line has values: a step has left it by then. */
const usualPersistence: Persistence = { raiseAfter: 7, clearAfter: 12 };
const endLength = 6;

/** Remembers what was told. */
export function createVerdict({ raiseAfter, clearAfter }: Persistence = usualPersistence) {
  let failing = 0;
  let calm = 0;
  let told: Forecast = { kind: 'learning' };
  return {
    next(inMs: number | undefined, isWarm: boolean): Forecast {
      if (!isWarm) return told;
      if (inMs === undefined) {
        // One calm value among many takes one of them back, not all.
        failing = Math.max(0, failing - 1);
        calm++;
        if (told.kind !== 'failing' || calm >= clearAfter) told = { kind: 'calm' };
      } else {
        calm = 0;
        failing++;
        if (told.kind === 'failing' || failing >= raiseAfter) told = { kind: 'failing', inMs };
        else told = { kind: 'calm' };
      }
      return told;
    },
    told: () => told,
  };
}

export interface MeasureSettings {
  /** What the value must not reach. */
  limit: number;
  /** Ratios matter and not differences, as for times. */
  byRatio: boolean;
  /** Of its logarithm where ratios matter. */
  leastSpread: number;
  /** Below this share of the limit nothing is failing, however fast it grows. */
  leastShare: number;
  horizonMs: number;
  /** Values of the line. */
  length: number;
  warmAfter: number;
  persistence?: Persistence;
}

export interface Measure extends Forecaster {
  /** `spread` is the chance in the value itself, where it is an average of few. `limit` stands in for the usual one. */
  add(at: number, value: number, about?: { spread?: number; limit?: number }): Forecast;
}

/** A slope this many times its uncertainty goes somewhere. */
const sure = 3.5;
/** Of its latest part less is asked: it has fewer values. */
const likely = 1.5;
/** Of the latest slope: less is a step that has been taken. */
const stillRising = 0.3;
/** From this share of the limit on, what has left the usual is failing also where its line is not sure. */
const nearShare = 0.75;

export function createMeasure(settings: MeasureSettings): Measure {
  const { limit: usualLimit, byRatio, leastShare, horizonMs, persistence } = settings;
  const usual = createUsual({ ...settings, halfLife: 180 });
  const trend = createTrend(settings.length);
  /** A third of it: a step is a slope to the whole, and level to its end. */
  const lately = createTrend(Math.ceil(settings.length / 3));
  /** After a step it is level before anything is told. */
  const veryEnd = createTrend(endLength, endLength);
  /** What rises slowly is sure only over a long time. */
  const long = createTrend(settings.length * 3, settings.length);
  const verdict = createVerdict(persistence);

  function failsIn(value: number, limit: number): number | undefined {
    const [whole, end] = [trend.line(), lately.line()];
    if (whole === undefined || end === undefined || !usual.hasLeft()) return undefined;
    if (Math.min(value, whole.level) < leastShare * limit) return undefined;
    const isNear = end.level >= nearShare * limit && end.slope > 0;
    const line = surest(end, whole);
    if (!isNear && line === undefined) return undefined;
    const inMs = reaches(line ?? whole, limit);
    if (inMs <= horizonMs) return inMs;
    return isNear ? horizonMs : undefined;
  }

  /** The shortest that is sure, since a longer one still has the level past in it; none where the end does not rise. */
  function surest(end: Line, whole: Line): Line | undefined {
    if (end.sureness < likely || whole.sureness < likely) return undefined;
    if ((veryEnd.line()?.slope ?? 0) < stillRising * end.slope) return undefined;
    return [end, whole, long.line()].find((line) => line !== undefined && line.sureness >= sure);
  }

  return {
    forecast: verdict.told,
    add(at, value, { spread = 0, limit = usualLimit } = {}) {
      trend.add(at, value);
      lately.add(at, value);
      long.add(at, value);
      veryEnd.add(at, value);
      const rises = (long.line()?.sureness ?? 0) >= likely;
      usual.add(byRatio ? Math.log(Math.max(1e-9, value)) : value, { spread, rises });
      return verdict.next(failsIn(value, limit), usual.isWarm());
    },
  };
}
