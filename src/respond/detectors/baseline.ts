// What is usual of one number, learned as it comes: its middle and how far it strays, without letting what is out of the ordinary teach it much.

export interface Baseline {
  /** How many times its usual straying the value lies above the middle; undefined while too little was seen. */
  judge(value: number): number | undefined;
  learn(value: number): void;
  middle(): number;
}

const learnAfter = 60;
const share = 0.02;
/** A value further out teaches as one so far out. */
const clip = 3;

/** `least`: straying smaller than this share of the middle is taken for so much. */
export function createBaseline(least = 0.1): Baseline {
  let seen = 0;
  let middle = 0;
  let straying = 0;
  const scale = () => Math.max(straying * 1.25, Math.abs(middle) * least, Number.EPSILON);
  return {
    judge: (value) => (seen < learnAfter ? undefined : (value - middle) / scale()),
    middle: () => middle,
    learn(value) {
      if (!Number.isFinite(value)) return;
      seen++;
      const weight = Math.max(share, 1 / seen);
      const off = value - middle;
      const most = clip * scale();
      const taught = seen <= learnAfter ? off : Math.max(-most, Math.min(most, off));
      middle += taught * weight;
      straying += (Math.abs(taught) - straying) * weight;
    },
  };
}
