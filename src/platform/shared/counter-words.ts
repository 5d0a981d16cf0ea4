// Sixty-four bits at a time, read and changed whole: what the shared tables are made of. No lock, so a thread that dies holds nobody up.

/** Reads and compares a word as two halves, since arithmetic on bigints costs more than all the rest. */
export interface Words {
  /** Reads a word into `high` and `low`. */
  read(index: number): void;
  high: number;
  low: number;
  /** Changes the word last read; false when another thread was faster. */
  change(index: number, high: number, low: number): boolean;
}

export function openWords(words: BigUint64Array): Words {
  const seen64 = new BigUint64Array(1);
  const seen32 = new Uint32Array(seen64.buffer);
  const next64 = new BigUint64Array(1);
  const next32 = new Uint32Array(next64.buffer);
  const view: Words = {
    high: 0,
    low: 0,
    read(index) {
      seen64[0] = Atomics.load(words, index);
      view.low = seen32[0] ?? 0;
      view.high = seen32[1] ?? 0;
    },
    change(index, high, low) {
      seen32[0] = view.low;
      seen32[1] = view.high;
      next32[0] = low;
      next32[1] = high;
      const expected = seen64[0] ?? 0n;
      return Atomics.compareExchange(words, index, expected, next64[0] ?? 0n) === expected;
    },
  };
  return view;
}

/**
 * A count with the part of time it belongs to. From the top: 7 bits incarnation of its slot, 16 bits period,
 * 1 bit sealed, 40 bits count.
 */
export interface Cell {
  incarnation: number;
  period: number;
  sealed: boolean;
  count: number;
}

export const largestCount = 2 ** 40 - 1;
const half = 2 ** 32;

export function readCell(words: Words, index: number, into: Cell): void {
  words.read(index);
  const { high, low } = words;
  into.incarnation = high >>> 25;
  into.period = (high >>> 9) & 0xff_ff;
  into.sealed = (high & 0x1_00) !== 0;
  into.count = (high & 0xff) * half + low;
}

/** Changes the word that was read last. */
export function changeCell(
  words: Words,
  index: number,
  incarnation: number,
  period: number,
  sealed: boolean,
  count: number,
): boolean {
  const top = Math.floor(count / half);
  const high = ((incarnation << 25) | (period << 9) | (sealed ? 0x1_00 : 0) | top) >>> 0;
  return words.change(index, high, count >>> 0);
}

/** How much later `a` is than `b`, both counted modulo 65,536. */
export function later(a: number, b: number): number {
  return ((a - b) << 16) >> 16;
}
