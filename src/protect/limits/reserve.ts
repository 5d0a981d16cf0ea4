// What is set aside for one request in every limit that fits it: all or nothing, put right when it is known what was used.
import type { Counters, Span } from '../../platform/shared/counters.ts';
import type { CounterTable } from '../../platform/shared/memory.ts';
import type { Asked, Limit } from './rules.ts';

/** What one limit has counted for one request; more than one piece when an answer was longer than agreed. */
export interface Held {
  limit: Limit;
  /** What holds now: the limit's own, or less while limits are lowered. */
  most: number;
  key: string;
  pieces: { span: Span; amount: number; at: number }[];
  used: number;
  resetAt: number;
}

export interface Short {
  limit: Limit;
  most: number;
  amount: number;
  used: number;
  resetAt: number;
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
          return { limit, most, amount, used, resetAt };
        }
        held.push({ limit, most, key, pieces: [{ span, amount, at }], used, resetAt });
      }
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
          return { limit, most, amount: more, used, resetAt };
        }
        pieces.push({ span, amount: more, at });
        extended.push(one);
      }
      return undefined;
    },
    settle({ limit, key, pieces }, real, time) {
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
