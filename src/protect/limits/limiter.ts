// How much a caller may ask: counted before anything is sent, put right when it is known what was used.
import { type Phrase, RempartError } from '../../platform/base/errors.ts';
import { openCounters, type Span } from '../../platform/shared/counters.ts';
import type { Usage } from '../gateway/dialects/dialect.ts';
import { createCalendar } from './calendar.ts';
import type { LimitsSettings } from './limits-config.ts';
import { type Asked, compileRules, type Limit } from './rules.ts';

/** What is set aside for a request. */
export interface Estimate {
  promptTokens: number;
  /** What the caller asked for at most. */
  maxTokens?: number | undefined;
  /** Answers to one question. */
  choices?: number | undefined;
}

/** Of all that hold, the limit with the least left. */
export interface Standing {
  limit: number;
  remaining: number;
  resetMs: number;
  every: Limit['every'];
}

export interface Grant {
  /** To be asked of the upstream at most; undefined where no limit of tokens holds. */
  maxTokens?: number;
  requests?: Standing;
  tokens?: Standing;
  /** Told while an answer streams; false: the caller's tokens are used up, and the answer must end here. */
  spent(completionTokens: number): boolean;
  /** Once, at the end: what was really used. Undefined: nothing was asked of any upstream. */
  settle(used: Usage | undefined): void;
}

export interface Limiter {
  /** Before anybody is known. Throws ERR_RATE_LIMITED. */
  source(address: string): void;
  /** Throws ERR_LIMIT_REQUESTS, ERR_LIMIT_TOKENS; then nothing was counted. */
  begin(asked: Asked, estimate: Estimate): Grant;
}

export interface LimiterParts {
  now: () => number;
  memory: SharedArrayBuffer;
  /** Told of each refusal. */
  refused?: (about: { scope: string; unit: Limit['unit']; every: Limit['every'] }) => void;
  /** Told of what is kept over a restart. */
  touched?: (key: string, span: Span) => void;
}

/** What one limit has counted for one request; more than one piece when an answer was longer than agreed. */
interface Held {
  limit: Limit;
  key: string;
  pieces: { span: Span; amount: number; at: number }[];
  used: number;
  resetAt: number;
}

/** So many tokens more are set aside at a time when an answer is longer than was agreed. */
const extensionTokens = 64;

export function createLimiter(parts: LimiterParts, settings: LimitsSettings): Limiter {
  const { now, memory } = parts;
  const limits = compileRules(settings.rules, createCalendar(settings.zone));
  const known = openCounters(memory, 'known');
  const strangers = openCounters(memory, 'anyone');
  const sourceSpan = { windowMs: settings.sources.every === 'minute' ? 60_000 : 3_600_000 };
  const whenOf = createWhen(settings.zone);
  const countersOf = ({ byStrangers }: Limit) => (byStrangers ? strangers : known);

  function refuse(limit: Limit, amount: number, resetAt: number, time: number): never {
    parts.refused?.(limit);
    const { unit, every, most } = limit;
    const named = { key: `limits.every.${every}` } as const;
    if (amount > most && unit === 'tokens')
      throw new RempartError('ERR_LIMIT_TOO_LARGE', { most, every: named, needed: amount });
    const seconds = Math.max(1, Math.ceil((resetAt - time) / 1_000));
    const code = unit === 'requests' ? 'ERR_LIMIT_REQUESTS' : 'ERR_LIMIT_TOKENS';
    throw new RempartError(code, { most, seconds, every: named, when: whenOf(time + seconds * 1_000, time) });
  }

  function giveAll(held: readonly Held[]): void {
    for (const { limit, key, pieces } of held)
      for (const { span, amount, at } of pieces) countersOf(limit).give(key, span, amount, at);
  }

  /** All or nothing. */
  function take(fitting: readonly Limit[], asked: Asked, tokens: number, time: number): Held[] {
    const held: Held[] = [];
    for (const limit of fitting) {
      const key = limit.keyOf(asked);
      const span = limit.span(time);
      const amount = limit.unit === 'requests' ? 1 : tokens;
      const { ok, used, resetAt, at } = countersOf(limit).take(key, span, limit.most, amount, time);
      if (!ok) {
        giveAll(held);
        refuse(limit, amount, resetAt, time);
      }
      if (limit.isLong) parts.touched?.(key, span);
      held.push({ limit, key, pieces: [{ span, amount, at }], used, resetAt });
    }
    return held;
  }

  /** Again all or nothing. */
  function extend(tokens: readonly Held[], more: number, time: number): boolean {
    const extended: Held[] = [];
    for (const one of tokens) {
      const { limit, key, pieces } = one;
      const span = limit.span(time);
      const { ok, at } = countersOf(limit).take(key, span, limit.most, more, time);
      if (!ok) {
        for (const one of extended) {
          const last = one.pieces.pop();
          if (last !== undefined) countersOf(one.limit).give(one.key, last.span, last.amount, last.at);
        }
        parts.refused?.(limit);
        return false;
      }
      pieces.push({ span, amount: more, at });
      extended.push(one);
    }
    return true;
  }

  function settle({ limit, key, pieces }: Held, real: number, time: number): void {
    let over = pieces.reduce((sum, { amount }) => sum + amount, 0) - real;
    for (const { span, amount, at } of pieces.toReversed()) {
      if (over <= 0) break;
      countersOf(limit).give(key, span, Math.min(amount, over), at);
      over -= amount;
    }
    // More than was set aside is owed all the same.
    if (over < 0) countersOf(limit).take(key, limit.span(time), Number.POSITIVE_INFINITY, -over, time);
  }

  function grantOf(held: readonly Held[], maxTokens: number, choices: number, time: number): Grant {
    const tokens = held.filter(({ limit }) => limit.unit === 'tokens');
    const requests = standing(held, 'requests', time);
    const left = standing(tokens, 'tokens', time);
    let agreed = maxTokens * choices;
    let isOver = false;
    let isSettled = false;
    return {
      ...(tokens.length === 0 ? {} : { maxTokens }),
      ...(requests === undefined ? {} : { requests }),
      ...(left === undefined ? {} : { tokens: left }),
      spent(completionTokens) {
        if (tokens.length === 0 || completionTokens <= agreed) return true;
        if (isOver || isSettled) return false;
        const more = Math.max(extensionTokens, completionTokens - agreed);
        isOver = !extend(tokens, more, now());
        agreed += more;
        return !isOver;
      },
      settle(used) {
        if (isSettled) return;
        isSettled = true;
        const real = used === undefined ? 0 : used.promptTokens + used.completionTokens;
        for (const one of tokens) settle(one, real, now());
      },
    };
  }

  return {
    source(address) {
      const time = now();
      const { requests, every } = settings.sources;
      const { ok, resetAt } = strangers.take(`source|${networkOf(address)}`, sourceSpan, requests, 1, time);
      if (ok) return;
      parts.refused?.({ scope: 'source', unit: 'requests', every });
      throw new RempartError('ERR_RATE_LIMITED', { seconds: Math.max(1, Math.ceil((resetAt - time) / 1_000)) });
    },
    begin(asked, { promptTokens, maxTokens, choices = 1 }) {
      const time = now();
      const fitting = limits.filter((limit) => limit.fits(asked));
      let most = Number.POSITIVE_INFINITY;
      for (const limit of fitting) if (limit.unit === 'tokens' && limit.most < most) most = limit.most;
      const { defaultAnswer, maxAnswer } = settings.tokens;
      // Who does not say how long an answer may be gets one that can fit at all.
      const wanted = maxTokens ?? Math.max(1, Math.min(defaultAnswer, Math.floor((most - promptTokens) / choices)));
      const bounded = Math.min(wanted, maxAnswer);
      return grantOf(take(fitting, asked, promptTokens + bounded * choices, time), bounded, choices, time);
    },
  };
}

function standing(held: readonly Held[], unit: Limit['unit'], time: number): Standing | undefined {
  let least: Standing | undefined;
  for (const { limit, used, resetAt } of held) {
    if (limit.unit !== unit) continue;
    const remaining = Math.max(0, limit.most - used);
    if (least === undefined || remaining < least.remaining)
      least = { limit: limit.most, remaining, resetMs: Math.max(0, resetAt - time), every: limit.every };
  }
  return least;
}

/** An IPv6 network of /64 is one household or one host: its addresses are one source. */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address;
  const [front = '', back] = address.split('%', 1)[0]?.split('::') ?? [];
  const groups = front === '' ? [] : front.split(':');
  if (back !== undefined) {
    const rest = back === '' ? [] : back.split(':');
    while (groups.length + rest.length < 8) groups.push('0');
    groups.push(...rest);
  }
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}

/** When it resumes, in words: soon in seconds, else by the clock of the zone, with the date where it is another day's. */
function createWhen(zone: string): (at: number, now: number) => Phrase {
  const day = new Intl.DateTimeFormat('sv', { timeZone: zone, dateStyle: 'short' });
  const clock = new Intl.DateTimeFormat('sv', {
    timeZone: zone,
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  });
  return (at, now) => {
    const seconds = Math.ceil((at - now) / 1_000);
    if (seconds <= 90) return { key: 'limits.when.seconds', facts: { seconds } };
    const date = day.format(at);
    const facts = { time: clock.format(at), date, zone };
    return { key: date === day.format(now) ? 'limits.when.time' : 'limits.when.date', facts };
  };
}
