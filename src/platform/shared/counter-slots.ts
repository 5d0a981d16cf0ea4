// Which slot of a shared table counts for a key: found, claimed or taken over from a key whose time is over.
import { openWords, type Words } from './counter-words.ts';
import { type Area, type Place, wordsPerCounter } from './memory.ts';

/**
 * A slot's first word says whose it is: 56 bits of the key, 1 bit while it is being claimed, 7 bits incarnation, raised
 * with each change of owner. Its second word says until when it counts. Counts of another incarnation are nought.
 */
export interface Slot {
  /** Index of the slot's first word. */
  base: number;
  incarnation: number;
}

export interface Slots {
  words: Words;
  /**
   * The slot of a key; undefined when there is none. With `needed` it is claimed, and prolonged to `until` when it does
   * not last as long as needed; undefined when there is no room.
   */
  slot(place: Place, now: number, needed?: number, until?: number): Slot | undefined;
}

/** So many places are looked at for a key, so that a full table costs no more than this. */
const reach = 64;
/** A slot is another's so long after its time; its own key begins anew in it sooner. Between them lies what a thread may be late. */
const takeOverAfterMs = 60_000;
const renewAfterMs = 30_000;
const pending = 0x80;
const tombstone = 0x1_00;
const half = 2 ** 32;
const tries = 64;
/** How often another thread's unfinished claim is looked at before it is taken for dead. */
const patience = 400;

export function openSlots({ words: table, slots }: Area): Slots {
  const words = openWords(table);
  const mask = slots - 1;
  const span = Math.min(reach, slots);
  const found: Slot = { base: 0, incarnation: 0 };

  const baseOf = (place: Place, step: number) => ((place.home + step) & mask) * wordsPerCounter;
  const isOf = (place: Place) => words.high === place.high && (words.low & 0xff_ff_ff_00) >>> 0 === place.low;

  /** Milliseconds at which an incarnation ends; undefined while that is not yet written. */
  function endOf(base: number, incarnation: number): number | undefined {
    words.read(base + 1);
    return words.high >>> 25 === incarnation ? (words.high & 0x1_ff_ff_ff) * half + words.low : undefined;
  }

  function extend(base: number, incarnation: number, until: number): void {
    for (let round = 0; round < tries; round++) {
      const end = endOf(base, incarnation);
      if (end !== undefined && end >= until) return;
      if (words.change(base + 1, ((incarnation << 25) | Math.floor(until / half)) >>> 0, until >>> 0)) return;
    }
  }

  /** The place of a key in the table, or where it may be put. */
  function search(
    place: Place,
    now: number,
  ): { kind: 'found' } | { kind: 'room' | 'claimed'; base: number } | undefined {
    let room = -1;
    for (let step = 0; step < span; step++) {
      const base = baseOf(place, step);
      words.read(base);
      const { high, low } = words;
      if (high === 0 && low === 0) return { kind: 'room', base: room < 0 ? base : room };
      if (isOf(place)) {
        if ((low & pending) !== 0) return { kind: 'claimed', base };
        found.base = base;
        found.incarnation = low & 0x7f;
        return foundOne;
      }
      if (room < 0 && mayBeTakenOver(base, high, low, now)) room = base;
    }
    return room < 0 ? undefined : { kind: 'room', base: room };
  }

  function mayBeTakenOver(base: number, high: number, low: number, now: number): boolean {
    if (high === 0) return true;
    const end = endOf(base, low & 0x7f);
    return end !== undefined && end + takeOverAfterMs < now;
  }

  /** Claims, makes sure that no other slot is this key's, and confirms: two slots for one key would let twice the limit through. */
  function claim(place: Place, base: number, now: number, until: number): boolean {
    words.read(base);
    const { high, low } = words;
    const isFree = high === 0 && low === 0;
    if (!isFree && !mayBeTakenOver(base, high, low, now)) return false;
    const incarnation = (low + 1) & 0x7f;
    words.high = high;
    words.low = low;
    if (!words.change(base, place.high, place.low | pending | incarnation)) return false;
    extend(base, incarnation, until);
    for (let step = 0; step < span; step++) {
      const other = baseOf(place, step);
      if (other === base) continue;
      words.read(other);
      if (words.high === 0 && words.low === 0) break;
      if (!isOf(place)) continue;
      if ((words.low & pending) !== 0 && words.change(other, 0, tombstone | (words.low & 0x7f))) continue;
      giveUp(place, base, incarnation);
      return false;
    }
    words.high = place.high;
    words.low = (place.low | pending | incarnation) >>> 0;
    return words.change(base, place.high, place.low | incarnation);
  }

  function giveUp(place: Place, base: number, incarnation: number): void {
    words.high = place.high;
    words.low = (place.low | pending | incarnation) >>> 0;
    words.change(base, 0, tombstone | incarnation);
  }

  function awaitClaim(place: Place, base: number): void {
    for (let look = 0; look < patience; look++) {
      words.read(base);
      if (!isOf(place) || (words.low & pending) === 0) return;
    }
  }

  /** Where else this key may be put when a claim of it seems dead. */
  function roomBeside(place: Place, dead: number, now: number): number {
    for (let step = 0; step < span; step++) {
      const base = baseOf(place, step);
      words.read(base);
      const { high, low } = words;
      if (base !== dead && ((high === 0 && low === 0) || mayBeTakenOver(base, high, low, now))) return base;
    }
    return -1;
  }

  /** Prolongs a slot that is in use; one whose time was over begins anew, with all counts nought. False: it was lost meanwhile. */
  function prolong(place: Place, slot: Slot, now: number, needed: number, until: number): boolean {
    const { base, incarnation } = slot;
    const end = endOf(base, incarnation);
    if (end !== undefined && end >= needed) return true;
    if (end === undefined || end + renewAfterMs >= now) {
      extend(base, incarnation, until);
      return true;
    }
    slot.incarnation = (incarnation + 1) & 0x7f;
    words.high = place.high;
    words.low = (place.low | incarnation) >>> 0;
    if (!words.change(base, place.high, place.low | slot.incarnation)) return false;
    extend(base, slot.incarnation, until);
    return true;
  }

  /** A claim by a thread that does not come to its end stands in nobody's way. */
  function claimBeside(place: Place, base: number, now: number, until: number): void {
    awaitClaim(place, base);
    words.read(base);
    if (!isOf(place) || (words.low & pending) === 0) return;
    const room = roomBeside(place, base, now);
    if (room >= 0) claim(place, room, now, until);
  }

  return {
    words,
    slot(place, now, needed, until = needed) {
      for (let round = 0; round < tries; round++) {
        const seen = search(place, now);
        if (seen === undefined) return undefined;
        if (seen.kind === 'found') {
          if (needed === undefined || prolong(place, found, now, needed, until ?? needed)) return found;
        } else if (until === undefined) return undefined;
        else if (seen.kind === 'room') claim(place, seen.base, now, until);
        else claimBeside(place, seen.base, now, until);
      }
      return undefined;
    },
  };
}

const foundOne = { kind: 'found' } as const;
