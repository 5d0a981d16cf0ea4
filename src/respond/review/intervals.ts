// How sure a figure from few cases is: 95 % intervals of a mean and of a share.

export interface Interval {
  low: number;
  high: number;
}

/** Two-sided 95 % quantiles of Student's t for 1 to 30 degrees of freedom. */
const t95 = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131, 2.12, 2.11,
  2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048, 2.045, 2.042,
];
const z95 = 1.959964;

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Of durations, so never below zero. One case says nothing about others. */
export function intervalOfMean(values: readonly number[]): Interval | null {
  const n = values.length;
  if (n < 2) return null;
  const middle = mean(values);
  const variance = values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (n - 1);
  const half = (t95[n - 2] ?? z95) * Math.sqrt(variance / n);
  return { low: Math.max(0, middle - half), high: middle + half };
}

/** Wilson's score interval (1927): holds at 0 and 1 and for few cases, where the usual one does not. */
export function intervalOfShare(count: number, n: number): Interval | null {
  if (n === 0) return null;
  const share = count / n;
  const square = z95 ** 2;
  const middle = (share + square / (2 * n)) / (1 + square / n);
  const half = (z95 / (1 + square / n)) * Math.sqrt((share * (1 - share)) / n + square / (4 * n * n));
  return { low: count === 0 ? 0 : Math.max(0, middle - half), high: count === n ? 1 : Math.min(1, middle + half) };
}
