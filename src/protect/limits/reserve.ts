// What is set aside for one request in every limit that fits it: all or nothing, put right when it is known what was used.
import type { Counters, Span } from '../../platform/shared/counters.ts';
import type { CounterTable } from '../../platform/shared/memory.ts';
import type { Asked, Limit } from './rules.ts';

export interface Piece {
  span: Span;
  amount: number;
  at: number;
  takenAt: number;
  /** Where it counts among what is under way. */
  underWayAt?: number;
}

/** What one limit has counted for one request; more than one piece when an answer was longer than agreed. */
export interface Held {
  limit: Limit;
  /** What holds now: the limit's own, or less while limits are lowered. */
  most: number;
  key: string;
  pieces: Piece[];
  used: number;
  resetAt: number;
}

export interface Short {
  limit: Limit;
  most: number;
  amount: number;
  used: number;
  resetAt: number;
  /** It is short only by what is set aside for requests under way, most of which will come back. */
  isBrief: boolean;
}

export interface Reserve {
  take(fitting: readonly Limit[], asked: Asked, tokens: number, time: number): Held[] | Short;
  /** So many tokens more. Undefined: they are set aside. */
  extend(tokens: readonly Held[], more: number, time: number): Short | undefined;
  settle(held: Held, real: number, time: number): void;
  /** What is left of it now. */
  left(limit: Limit, asked: Asked, time: number): number;
}

export interface ReserveParts {
  counters: Readonly<Record<CounterTable, Counters>>;
  /** By how much limits are lowered now. */
  share: () => number;
  touched: (key: string, span: Span, table: CounterTable) => void;
}

/**
 * What is set aside and not settled yet is counted beside each limit of tokens, for so long: what a thread that died had
 * set aside is not taken for a request under way for ever.
 */
const underWay: Span = { windowMs: 120_000 };
const underWayOf = (key: string) => `${key}|under-way`;

export function createReserve({ counters, share, touched }: ReserveParts): Reserve {
  const tableOf = ({ byStrangers }: Limit): CounterTable => (byStrangers ? 'anyone' : 'known');

  function mostOf({ most }: Limit): number {
    const now = share();
    return now >= 1 || most === 0 ? most : Math.max(1, Math.floor(most * now));
  }

  function count(limit: Limit, key: string, span: Span, most: number, amount: number, time: number) {
    const taken = counters[tableOf(limit)].take(key, span, most, amount, time);
    if (taken.ok && limit.isLong) touched(key, span, tableOf(limit));
    return taken;
  }

  function give(limit: Limit, key: string, { span, amount, at }: Held['pieces'][number]): void {
    counters[tableOf(limit)].give(key, span, amount, at);
    if (limit.isLong) touched(key, span, tableOf(limit));
  }

  /** After all of it fitted: what is refused again at once is not under way. */
  function begin(held: Held, piece: Piece): void {
    if (held.limit.unit !== 'tokens') return;
    const { at } = counters[tableOf(held.limit)].take(
      underWayOf(held.key),
      underWay,
      Number.POSITIVE_INFINITY,
      piece.amount,
      piece.takenAt,
    );
    piece.underWayAt = at;
  }

  function end({ limit, key }: Held, { amount, underWayAt }: Piece): void {
    if (underWayAt !== undefined) counters[tableOf(limit)].give(underWayOf(key), underWay, amount, underWayAt);
  }

  function shortOf(limit: Limit, key: string, short: Omit<Short, 'limit' | 'isBrief'>, time: number): Short {
    const { most, amount, used } = short;
    const coming = limit.unit === 'tokens' ? counters[tableOf(limit)].used(underWayOf(key), underWay, time) : 0;
    return { limit, ...short, isBrief: coming > 0 && used - coming + amount <= most };
  }

  return {
    take(fitting, asked, tokens, time) {
      const held: Held[] = [];
      for (const limit of fitting) {
        const key = limit.keyOf(asked);
        const span = limit.span(time);
        const amount = limit.unit === 'requests' ? 1 : tokens;
        const most = mostOf(limit);
        const { ok, used, resetAt, at } = count(limit, key, span, most, amount, time);
        if (!ok) {
          for (const one of held) for (const piece of one.pieces) give(one.limit, one.key, piece);
          return shortOf(limit, key, { most, amount, used, resetAt }, time);
        }
        held.push({ limit, most, key, pieces: [{ span, amount, at, takenAt: time }], used, resetAt });
      }
      for (const one of held) for (const piece of one.pieces) begin(one, piece);
      return held;
    },
    extend(tokens, more, time) {
      const extended: Held[] = [];
      for (const one of tokens) {
        const { limit, most, key, pieces } = one;
        const span = limit.span(time);
        const { ok, used, resetAt, at } = count(limit, key, span, most, more, time);
        if (!ok) {
          for (const other of extended) {
            const last = other.pieces.pop();
            if (last !== undefined) give(other.limit, other.key, last);
          }
          return shortOf(limit, key, { most, amount: more, used, resetAt }, time);
        }
        pieces.push({ span, amount: more, at, takenAt: time });
        extended.push(one);
      }
      for (const one of extended) {
        const piece = one.pieces.at(-1);
        if (piece !== undefined) begin(one, piece);
      }
      return undefined;
    },
    settle(held, real, time) {
      const { limit, key, pieces } = held;
      for (const piece of pieces) end(held, piece);
      let over = pieces.reduce((sum, { amount }) => sum + amount, 0) - real;
      for (const piece of pieces.toReversed()) {
        if (over <= 0) break;
        const back = Math.min(piece.amount, over);
        give(limit, key, { ...piece, amount: back });
        over -= back;
      }
      // More than was set aside is owed all the same.
      if (over < 0) count(limit, key, limit.span(time), Number.POSITIVE_INFINITY, -over, time);
    },
    left(limit, asked, time) {
      const used = counters[tableOf(limit)].used(limit.keyOf(asked), limit.span(time), time);
      return Math.max(0, mostOf(limit) - used);
    },
  };
}
