// A set that all threads of a process share: what one adds, every other has at once. For revocations and lock-outs.
import { openWords } from './counter-words.ts';
import { createPlaces, type Place, revisionOf, setArea, wordsPerMember } from './memory.ts';

export interface SharedSet {
  /** In the set until `until` (milliseconds since the epoch; default: for good). False: there is no room left. */
  add(key: string, now: number, until?: number): boolean;
  has(key: string, now: number): boolean;
  /** Until when it is in the set; 0: it is not. */
  until(key: string, now: number): number;
  remove(key: string): void;
  /** Rises with each change, on every thread: who remembers answers of `has` asks this first. */
  revision(): number;
  /** Calls back soon after each change, whichever thread made it; several at once may be one call. Returns what ends that. */
  onChange(listener: () => void): () => void;
}

const reach = 256;
const half = 2 ** 32;
/** Later than any date, and still exact as two halves. */
const forGood = 2 ** 52;
/** A member that is over leaves its slot to another so long afterwards. */
const takeOverAfterMs = 60_000;
const tries = 1_000;

/** A member's first word is its key's 56 bits, its second the time until which it counts; 0 is not yet, or no more. */
export function openSet(memory: SharedArrayBuffer): SharedSet {
  const { words: table, slots } = setArea(memory);
  const words = openWords(table);
  const revision = revisionOf(memory);
  const placeOf = createPlaces(memory);
  const span = Math.min(reach, slots);
  const listeners = new Set<() => void>();
  let isFollowing = false;
  const baseOf = (place: Place, step: number) => ((place.home + step) & (slots - 1)) * wordsPerMember;

  function endOf(base: number): number {
    words.read(base + 1);
    return words.high * half + words.low;
  }

  function setEnd(base: number, change: (end: number) => number): void {
    for (let round = 0; round < tries; round++) {
      const end = endOf(base);
      const next = change(end);
      if (next === end || words.change(base + 1, Math.floor(next / half), next >>> 0)) return;
    }
  }

  /** Each of a key's slots; a key may have two when two threads added it at once, which harms nobody. */
  function* slotsOf(place: Place): Generator<number> {
    for (let step = 0; step < span; step++) {
      const base = baseOf(place, step);
      words.read(base);
      if (words.high === 0 && words.low === 0) return;
      if (words.high === place.high && words.low === place.low) yield base;
    }
  }

  function claim(place: Place, now: number): number | undefined {
    for (let step = 0; step < span; step++) {
      const base = baseOf(place, step);
      words.read(base);
      const { high, low } = words;
      if (high !== 0 || low !== 0) {
        const end = endOf(base);
        if (end === 0 || end + takeOverAfterMs >= now) continue;
        // Nobody else may take it from here on, and its old key finds nought.
        if (!words.change(base + 1, 0, 0)) continue;
        words.high = high;
        words.low = low;
      }
      if (words.change(base, place.high, place.low)) return base;
    }
    return undefined;
  }

  function changed(): void {
    Atomics.add(revision, 0, 1);
    Atomics.notify(revision, 0);
  }

  /** Sleeps until some thread raises the number: nobody has to ask. */
  async function follow(): Promise<void> {
    isFollowing = true;
    let seen = Atomics.load(revision, 0);
    while (listeners.size > 0) {
      const turn = Atomics.waitAsync(revision, 0, seen);
      if (turn.async) await turn.value;
      seen = Atomics.load(revision, 0);
      for (const listener of [...listeners]) listener();
    }
    isFollowing = false;
  }

  return {
    add(key, now, until = forGood) {
      const place = placeOf(key);
      for (let round = 0; round < tries; round++) {
        const [known] = slotsOf(place);
        const base = known ?? claim(place, now);
        if (base === undefined) return false;
        setEnd(base, (end) => Math.max(end, until));
        words.read(base);
        // Its slot was another's by then: once more.
        if (words.high !== place.high || words.low !== place.low) continue;
        changed();
        return true;
      }
      return false;
    },
    has(key, now) {
      for (const base of slotsOf(placeOf(key))) if (endOf(base) > now) return true;
      return false;
    },
    until(key, now) {
      let last = 0;
      for (const base of slotsOf(placeOf(key))) last = Math.max(last, endOf(base));
      return last > now ? last : 0;
    },
    remove(key) {
      for (const base of slotsOf(placeOf(key))) setEnd(base, () => 1);
      changed();
    },
    revision: () => Atomics.load(revision, 0),
    onChange(listener) {
      listeners.add(listener);
      if (!isFollowing) void follow();
      return () => void listeners.delete(listener);
    },
  };
}
