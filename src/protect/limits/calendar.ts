// Minutes, hours, days and months as a clock on the wall of a stated zone shows them, days of 23 and 25 hours included.
import type { Period } from './limits-config.ts';

export interface Window {
  /** Rises from each window to the next. */
  ordinal: number;
  from: number;
  to: number;
}

/** The window that a time lies in. */
export type Calendar = (period: Period, now: number) => Window;

const minuteMs = 60_000;
const hourMs = 3_600_000;
const halfHourMs = 1_800_000;
const dayMs = 86_400_000;

/** Looked up anew only when a window is over. */
export function createCalendar(zone: string): Calendar {
  const wall = createWallClock(zone);
  const known: Partial<Record<Period, Window>> = {};
  return (period, now) => {
    const last = known[period];
    if (last !== undefined && now >= last.from && now < last.to) return last;
    const found = find(period, now);
    known[period] = found;
    return found;
  };

  function find(period: Period, now: number): Window {
    if (period === 'minute') {
      const ordinal = Math.floor(now / minuteMs);
      return { ordinal, from: ordinal * minuteMs, to: (ordinal + 1) * minuteMs };
    }
    if (period === 'hour') {
      // An hour that is shown twice in autumn is two hours all the same.
      const shift = (((wall(now).offset % hourMs) + hourMs) % hourMs) as number;
      const from = Math.floor((now + shift) / hourMs) * hourMs - shift;
      return { ordinal: Math.floor(from / halfHourMs), from, to: from + hourMs };
    }
    const ordinalOf = (time: number) => (period === 'day' ? wall(time).day : wall(time).month);
    const ordinal = ordinalOf(now);
    const longest = period === 'day' ? 2 * dayMs + hourMs : 33 * dayMs;
    return {
      ordinal,
      from: boundary(now - longest, now, (time) => ordinalOf(time) >= ordinal),
      to: boundary(now, now + longest, (time) => ordinalOf(time) > ordinal),
    };
  }
}

/** The first millisecond in `(before, after]` for which `isPast` holds: it holds from some time on. */
function boundary(before: number, after: number, isPast: (time: number) => boolean): number {
  let low = before;
  let high = after;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (isPast(middle)) high = middle;
    else low = middle;
  }
  return high;
}

interface Wall {
  /** Milliseconds by which the wall clock is ahead of UTC. */
  offset: number;
  /** Days and months since 1970 on the wall. */
  day: number;
  month: number;
}

function createWallClock(zone: string): (time: number) => Wall {
  const format = new Intl.DateTimeFormat('en-u-ca-gregory-nu-latn', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  return (time) => {
    const parts: Record<string, number> = {};
    for (const { type, value } of format.formatToParts(time)) parts[type] = Number(value);
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
    const shown = Date.UTC(year, month - 1, day, hour, minute, second);
    return {
      offset: shown - Math.floor(time / 1_000) * 1_000,
      day: Math.floor(shown / dayMs),
      month: (year - 1970) * 12 + month - 1,
    };
  };
}
