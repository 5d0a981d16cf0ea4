// Counters that all threads of a process share: never over their limit, whatever the threads do at once.
import { openSlots, type Slots } from './counter-slots.ts';
import { type Cell, changeCell, largestCount, later, readCell } from './counter-words.ts';
import { type CounterTable, counterArea, createPlaces } from './memory.ts';

/**
 * Which part of time a count belongs to. `windowMs`: any stretch of this length (it is kept in sixths, and a sixth leaves
 * as a whole, so that something counts for 1 to 1.2 times as long: never too much gets through, at times a little less).
 * `ordinal`: a window of the calendar that ends at `to`; the next one's ordinal is higher, by less than 32,768.
 */
export type Span = { windowMs: number } | { ordinal: number; to: number };

export interface Taken {
  /** False: nothing was counted. */
  ok: boolean;
  /** What counts now, this included when it was taken. */
  used: number;
  /** When it was refused: milliseconds at which as much will fit. Else: when all that counts now will be over. */
  resetAt: number;
  /** Hand this to `give`: the time for which it was counted. */
  at: number;
  /** The table has no room for another key: refused, since a key without a count would be one without a limit. */
  full?: true;
}

export interface Counters {
  /** Counts `amount` if `limit` allows it, in one step; `amount` 0 asks only. `limit` Infinity counts in any case. */
  take(key: string, span: Span, limit: number, amount: number, now: number): Taken;
  /** Takes back what was taken at `at`; never below nought; nothing when that time no longer counts. */
  give(key: string, span: Span, amount: number, at: number): void;
  /** What counts now. */
  used(key: string, span: Span, now: number): number;
}

/** Parts of a rolling window, and one more that is under way. */
const parts = 5;
const cells = parts + 1;
const tries = 10_000;

export function openCounters(memory: SharedArrayBuffer, table: CounterTable = 'known'): Counters {
  const slots = openSlots(counterArea(memory, table));
  const placeOf = createPlaces(memory);
  return {
    take(key, span, limit, amount, now) {
      const until = 'windowMs' in span ? now + 2 * span.windowMs : span.to;
      // Prolonged only when less than half of what was asked for is left: seldom written, so seldom waited for.
      const needed = 'windowMs' in span ? now + Math.ceil(1.4 * span.windowMs) : span.to;
      const slot = slots.slot(placeOf(key), now, needed, until);
      if (slot === undefined) return { ok: false, used: limit, resetAt: now + 60_000, at: now, full: true };
      return 'windowMs' in span
        ? takeRolling(slots, slot.base + 2, slot.incarnation, span.windowMs, limit, amount, now)
        : takeCalendar(slots, slot.base + 2, slot.incarnation, span, limit, amount, now);
    },
    give(key, span, amount, at) {
      const slot = slots.slot(placeOf(key), at);
      if (slot === undefined) return;
      const { base, incarnation } = slot;
      if (!('windowMs' in span)) return giveBack(slots, base + 2, incarnation, span.ordinal & 0xff_ff, amount);
      const part = Math.floor(at / widthOf(span.windowMs));
      giveBack(slots, base + 2 + (part % cells), incarnation, part & 0xff_ff, amount);
    },
    used(key, span, now) {
      const slot = slots.slot(placeOf(key), now);
      if (slot === undefined) return 0;
      const { base, incarnation } = slot;
      if ('windowMs' in span) return rollingUse(slots, base + 2, incarnation, Math.floor(now / widthOf(span.windowMs)));
      readCell(slots.words, base + 2, cell);
      const counts = cell.incarnation === incarnation && later(span.ordinal & 0xff_ff, cell.period) <= 0;
      return counts ? cell.count : 0;
    },
  };
}

const cell: Cell = { incarnation: 0, period: 0, sealed: false, count: 0 };

function widthOf(windowMs: number): number {
  return Math.max(1, Math.ceil(windowMs / parts));
}

function takeCalendar(
  { words }: Slots,
  index: number,
  incarnation: number,
  span: { ordinal: number; to: number },
  limit: number,
  amount: number,
  now: number,
): Taken {
  const resetAt = span.to;
  for (let round = 0; round < tries; round++) {
    readCell(words, index, cell);
    const isOurs = cell.incarnation === incarnation;
    const ahead = isOurs ? later(cell.period, span.ordinal & 0xff_ff) : -1;
    // A thread whose clock is read a moment later has begun the next window: this one counts there too.
    const period = ahead > 0 ? cell.period : span.ordinal & 0xff_ff;
    const used = ahead >= 0 ? cell.count : 0;
    if (used + amount > limit) return { ok: false, used, resetAt, at: now };
    if (amount === 0) return { ok: true, used, resetAt, at: now };
    const count = Math.min(used + amount, largestCount);
    if (changeCell(words, index, incarnation, period, false, count)) return { ok: true, used: count, resetAt, at: now };
  }
  return { ok: false, used: limit, resetAt, at: now };
}

function takeRolling(
  { words }: Slots,
  first: number,
  incarnation: number,
  windowMs: number,
  limit: number,
  amount: number,
  now: number,
): Taken {
  const width = widthOf(windowMs);
  let part = Math.floor(now / width);
  for (let round = 0; round < tries; round++) {
    const before = sealEarlier(words, first, incarnation, part);
    if (before.kind === 'again') continue;
    if (before.kind === 'ahead') {
      part += before.by;
      continue;
    }
    readCell(words, first + (part % cells), cell);
    const isOurs = cell.incarnation === incarnation && cell.period === (part & 0xff_ff);
    if (isOurs && cell.sealed) {
      part++;
      continue;
    }
    const own = isOurs ? cell.count : 0;
    const used = before.used + own;
    const at = part * width;
    if (used + amount > limit)
      return { ok: false, used, resetAt: fitsAt(words, first, incarnation, part, width, used + amount - limit), at };
    if (amount === 0) return { ok: true, used, resetAt: (part + cells) * width, at };
    const count = Math.min(own + amount, largestCount);
    if (changeCell(words, first + (part % cells), incarnation, part & 0xff_ff, false, count))
      return { ok: true, used: before.used + count, resetAt: (part + cells) * width, at };
  }
  return { ok: false, used: limit, resetAt: now + windowMs, at: now };
}

type Earlier = { kind: 'sealed'; used: number } | { kind: 'ahead'; by: number } | { kind: 'again' };
const again = { kind: 'again' } as const;

/**
 * Adds up the parts before this one and closes them: a thread that is late finds its part closed and counts in this one,
 * so that what was added up here can only become less.
 */
function sealEarlier(words: Slots['words'], first: number, incarnation: number, part: number): Earlier {
  let used = 0;
  for (let back = parts; back >= 1; back--) {
    const index = first + ((part - back) % cells);
    const period = (part - back) & 0xff_ff;
    readCell(words, index, cell);
    const isOurs = cell.incarnation === incarnation;
    const ahead = isOurs ? later(cell.period, period) : -1;
    if (ahead > 0) return { kind: 'ahead', by: ahead - back };
    const count = ahead === 0 ? cell.count : 0;
    if ((ahead < 0 || !cell.sealed) && !changeCell(words, index, incarnation, period, true, count)) return again;
    used += count;
  }
  readCell(words, first + (part % cells), cell);
  const ahead = cell.incarnation === incarnation ? later(cell.period, part & 0xff_ff) : -1;
  return ahead > 0 ? { kind: 'ahead', by: ahead } : { kind: 'sealed', used };
}

/** When so many of those that count will have left. */
function fitsAt(
  words: Slots['words'],
  first: number,
  incarnation: number,
  part: number,
  width: number,
  excess: number,
): number {
  let gone = 0;
  for (let back = parts; back >= 0; back--) {
    readCell(words, first + ((part - back) % cells), cell);
    if (cell.incarnation === incarnation && cell.period === ((part - back) & 0xff_ff)) gone += cell.count;
    if (gone >= excess) return (part - back + cells) * width;
  }
  return (part + cells) * width;
}

function rollingUse({ words }: Slots, first: number, incarnation: number, part: number): number {
  let used = 0;
  for (let offset = 0; offset < cells; offset++) {
    readCell(words, first + offset, cell);
    if (cell.incarnation === incarnation && later(part & 0xff_ff, cell.period) <= parts) used += cell.count;
  }
  return used;
}

function giveBack({ words }: Slots, index: number, incarnation: number, period: number, amount: number): void {
  for (let round = 0; round < tries; round++) {
    readCell(words, index, cell);
    if (cell.incarnation !== incarnation || cell.period !== period || cell.count === 0) return;
    const count = Math.max(0, cell.count - amount);
    if (changeCell(words, index, incarnation, period, cell.sealed, count)) return;
  }
}
