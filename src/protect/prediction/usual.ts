// What is usual for a measured value, learned as it comes, and how much speaks for its having left that: a one-sided CUSUM (Page, 1954) whose threshold is learned too.

export interface UsualSettings {
  /** Least spread, so that a value that never varied does not cry at the first change. */
  leastSpread: number;
  /** Values before anything is judged. */
  warmAfter: number;
  /** Values after which what was learned weighs half. */
  halfLife: number;
}

export interface Usual {
  /**
   * Judges a value and, while nothing speaks against it, learns from it. `spread`: what it may vary by chance alone.
   * While it `rises` it is not taken for the new usual, however long it does.
   */
  add(value: number, about?: { spread?: number; rises?: boolean }): void;
  isWarm(): boolean;
  /** The evidence is above what calm times have ever brought. */
  hasLeft(): boolean;
  mean(): number;
  /** 1 is the threshold. */
  evidence(): number;
}

/** A step of one spread says nothing. */
const slack = 1;
/** However far a value is, it is one value: three in a row say more than one outlier. */
const mostStep = 5;
/** In spreads. */
const mostLearned = 3;
/** Three values of the most, at the least. */
const leastThreshold = 11;
/** A threshold stays above the highest that calm hours brought. */
const margin = 1.25;
/** An hour of values five seconds apart, and a day of those. */
const spanLength = 720;
const spansKept = 24;
/** One long false alarm must not make it deaf. */
const mostPeak = 30;
/** What has lasted so many values without getting anywhere is the new usual. */
const acceptAfter = 240;

export function createUsual({ leastSpread, warmAfter, halfLife }: UsualSettings): Usual {
  const weightOfNew = 1 - 0.5 ** (1 / halfLife);
  let seen = 0;
  let mean = 0;
  let variance = 0;
  let sum = 0;
  let raisedFor = 0;
  /** The highest evidence of each span of calm, newest last. */
  const peaks: number[] = [0];
  let inSpan = 0;
  /** The highest since nothing spoke against the usual. */
  let excursion = 0;

  const threshold = () => Math.max(leastThreshold, margin * Math.max(...peaks));

  function learn(value: number): void {
    seen++;
    // At first everything counts alike, or the first value would be remembered for long.
    const weight = Math.max(weightOfNew, 1 / seen);
    const off = value - mean;
    mean += weight * off;
    variance += weight * (off * off - variance);
  }

  function accept(value: number): void {
    mean = value;
    sum = 0;
    raisedFor = 0;
    excursion = 0;
  }

  /** What rose and came to nothing is what calm times bring; while it rises nobody knows. */
  function rememberPeak(): void {
    excursion = Math.max(excursion, sum);
    if (sum === 0 && excursion > 0) {
      peaks[peaks.length - 1] = Math.max(peaks.at(-1) ?? 0, Math.min(excursion, mostPeak));
      excursion = 0;
    }
    if (++inSpan < spanLength) return;
    inSpan = 0;
    peaks.push(0);
    if (peaks.length > spansKept) peaks.shift();
  }

  return {
    add(value, { spread = 0, rises = false } = {}) {
      if (seen < warmAfter) return learn(value);
      const scale = Math.max(leastSpread, spread, Math.sqrt(variance));
      sum = Math.max(0, sum + Math.min(mostStep, (value - mean) / scale) - slack);
      raisedFor = sum > leastThreshold / 2 ? raisedFor + 1 : 0;
      rememberPeak();
      // An outlier is learned from as far as it could be chance.
      if (raisedFor === 0) learn(Math.max(mean - mostLearned * scale, Math.min(mean + mostLearned * scale, value)));
      else if (raisedFor > acceptAfter && !rises) accept(value);
    },
    isWarm: () => seen >= warmAfter,
    hasLeft: () => sum >= threshold(),
    mean: () => mean,
    evidence: () => sum / threshold(),
  };
}
