// Where a measured value is going: the straight line through its latest values, and how sure that line is.

export interface Line {
  /** On the line, now. */
  level: number;
  /** In a millisecond. */
  slope: number;
  /** How many times its own uncertainty the slope is. */
  sureness: number;
}

export interface Trend {
  add(at: number, value: number): void;
  /** Undefined while there are too few values to tell. */
  line(): Line | undefined;
  clear(): void;
}

/** Least squares over the latest `length` values. */
export function createTrend(length: number, least = 6): Trend {
  const values: { at: number; value: number }[] = [];
  return {
    add(at, value) {
      values.push({ at, value });
      if (values.length > length) values.shift();
    },
    line() {
      const n = values.length;
      const last = values[n - 1];
      if (n < least || last === undefined) return undefined;
      const meanAt = values.reduce((sum, { at }) => sum + at, 0) / n;
      const mean = values.reduce((sum, { value }) => sum + value, 0) / n;
      let spread = 0;
      let together = 0;
      for (const { at, value } of values) {
        spread += (at - meanAt) ** 2;
        together += (at - meanAt) * (value - mean);
      }
      if (spread === 0) return undefined;
      const slope = together / spread;
      const errors = values.reduce((sum, { at, value }) => sum + (value - mean - slope * (at - meanAt)) ** 2, 0);
      const uncertainty = Math.sqrt(errors / (n - 2) / spread);
      return {
        level: mean + slope * (last.at - meanAt),
        slope,
        sureness: uncertainty === 0 ? (slope === 0 ? 0 : Number.POSITIVE_INFINITY) : slope / uncertainty,
      };
    },
    clear() {
      values.length = 0;
    },
  };
}

/** Milliseconds until the line reaches the limit; infinite where it never does. */
export function reaches({ level, slope }: Line, limit: number): number {
  if (level >= limit) return 0;
  return slope <= 0 ? Number.POSITIVE_INFINITY : (limit - level) / slope;
}
