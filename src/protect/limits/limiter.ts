// How much a caller may ask: counted before anything is sent, put right when it is known what was used.
import { RempartError } from '../../platform/base/errors.ts';
import { openCounters, type Span } from '../../platform/shared/counters.ts';
import type { CounterTable } from '../../platform/shared/memory.ts';
import type { Usage } from '../gateway/dialects/dialect.ts';
import { sourceNetwork } from '../gateway/source-network.ts';
import { createCalendar } from './calendar.ts';
import type { Standings } from './limit-headers.ts';
import type { LimitsSettings } from './limits-config.ts';
import { createReserve, type Held, type Short } from './reserve.ts';
import { type Asked, compileRules, type Limit } from './rules.ts';
import { createWhen } from './when.ts';

/** What is set aside for a request. */
export interface Estimate {
  /** Asked only where a limit of tokens holds. */
  promptTokens: () => number;
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

export interface Grant extends Standings {
  /** To be asked of the upstream at most; undefined where no limit of tokens holds. */
  maxTokens?: number;
  /** Told while an answer streams. ERR_LIMIT_TOKENS: the caller's tokens are used up, and the answer must end here. */
  spent(completionTokens: number): RempartError | undefined;
  /** The request never was: it is not counted either. */
  undo(): void;
  /** Once, at the end: what was really used. Undefined: nothing was asked of any upstream. */
  settle(used: Usage | undefined): void;
}

export interface Limiter {
  /** Before anybody is known. Throws ERR_RATE_LIMITED. */
  source(address: string): void;
  /** Throws ERR_LIMIT_REQUESTS, ERR_LIMIT_TOKENS, ERR_LIMIT_TOO_LARGE; then nothing was counted. `show` hears of either end. */
  begin(asked: Asked, estimate: Estimate, show?: (standings: Standings) => void): Grant;
}

export interface LimiterParts {
  now: () => number;
  memory: SharedArrayBuffer;
  /** Told of each refusal. */
  refused?: (about: Refused) => void;
  /** Told of what is kept over a restart whenever it was counted. */
  touched?: (key: string, span: Span, table: CounterTable) => void;
  /** By how much all limits are lowered now: 1 as configured, 0.5 to half. */
  share?: () => number;
}

export interface Refused {
  scope: string;
  /** Of what; nothing where it is how many at once. */
  unit?: Limit['unit'];
  every?: Limit['every'];
  /** Where it was refused before anybody was known. */
  sourceIp?: string;
}

/** So many tokens more are set aside at a time when an answer is longer than was agreed. */
const extensionTokens = 64;

/** Requests under way give back within about so long what they do not use. */
const briefSeconds = 1;

/** An answer shorter than this says nothing, so there is no room for one. */
const leastAnswer = 16;

export function createLimiter(parts: LimiterParts, settings: LimitsSettings): Limiter {
  const { now, memory, share = () => 1, touched = () => {}, refused = () => {} } = parts;
  const limits = compileRules(settings.rules, createCalendar(settings.zone));
  const allTokens = limits.filter(isOfTokens);
  const strangers = openCounters(memory, 'anyone');
  const reserve = createReserve({
    counters: { known: openCounters(memory, 'known'), anyone: strangers },
    share,
    touched,
  });
  const sourceSpan = { windowMs: settings.sources.every === 'minute' ? 60_000 : 3_600_000 };
  const whenOf = createWhen(settings.zone);

  function refusal({ limit, most, amount, resetAt, isBrief }: Short, time: number): RempartError {
    refused(limit);
    const { unit, every, scope } = limit;
    // For the journal.
    const about = { most, limit: `${unit} per ${scope} every ${every}` };
    const named = { key: `limits.every.${every}` } as const;
    // Nothing will make room for it, unless it is a limit that is lowered for a while.
    if (amount > limit.most && unit === 'tokens')
      return new RempartError('ERR_LIMIT_TOO_LARGE', { ...about, every: named, needed: amount });
    const seconds = isBrief ? briefSeconds : Math.max(1, Math.ceil((resetAt - time) / 1_000));
    const code = unit === 'requests' ? 'ERR_LIMIT_REQUESTS' : 'ERR_LIMIT_TOKENS';
    return new RempartError(code, { ...about, seconds, every: named, when: whenOf(time + seconds * 1_000, time) });
  }

  /** Who does not say how long an answer may be gets one that fits into what is left. */
  function answerFor(tokens: readonly Limit[], asked: Asked, promptTokens: number, choices: number, time: number) {
    let left = Number.POSITIVE_INFINITY;
    for (const limit of tokens) left = Math.min(left, reserve.left(limit, asked, time));
    return Math.max(leastAnswer, Math.min(settings.tokens.defaultAnswer, Math.floor((left - promptTokens) / choices)));
  }

  function grantOf(held: readonly Held[], maxTokens: number, choices: number, time: number): Grant {
    const tokens = held.filter(({ limit }) => limit.unit === 'tokens');
    let agreed = maxTokens * choices;
    let over: RempartError | undefined;
    let isSettled = false;
    return {
      ...standingsOf(held, time),
      ...(tokens.length === 0 ? {} : { maxTokens }),
      spent(completionTokens) {
        if (tokens.length === 0 || completionTokens <= agreed || isSettled) return undefined;
        if (over !== undefined) return over;
        const more = Math.max(extensionTokens, Math.ceil(completionTokens - agreed));
        const at = now();
        const short = reserve.extend(tokens, more, at);
        if (short === undefined) agreed += more;
        else over = refusal(short, at);
        return over;
      },
      undo() {
        if (isSettled) return;
        isSettled = true;
        for (const one of held) reserve.settle(one, 0, now());
      },
      settle(used) {
        if (isSettled) return;
        isSettled = true;
        const real = used === undefined ? 0 : used.promptTokens + used.completionTokens;
        for (const one of tokens) reserve.settle(one, real, now());
      },
    };
  }

  return {
    source(address) {
      const time = now();
      const { requests, every } = settings.sources;
      const most = Math.max(1, Math.floor(requests * Math.min(1, share())));
      const { ok, resetAt } = strangers.take(`source|${sourceNetwork(address)}`, sourceSpan, most, 1, time);
      if (ok) return;
      refused({ scope: 'source', unit: 'requests', every, sourceIp: address });
      throw new RempartError('ERR_RATE_LIMITED', { seconds: Math.max(1, Math.ceil((resetAt - time) / 1_000)) });
    },
    begin(asked, { promptTokens, maxTokens, choices = 1 }, show) {
      const time = now();
      const fitting = limits.every((limit) => limit.fits(asked)) ? limits : limits.filter((limit) => limit.fits(asked));
      const tokens = fitting === limits ? allTokens : fitting.filter(isOfTokens);
      const sent = tokens.length === 0 ? 0 : promptTokens();
      const wanted = maxTokens ?? (tokens.length === 0 ? 0 : answerFor(tokens, asked, sent, choices, time));
      const bounded = Math.min(wanted, settings.tokens.maxAnswer);
      const held = reserve.take(fitting, asked, sent + bounded * choices, time);
      if (!Array.isArray(held)) {
        show?.({ [held.limit.unit]: standingOf(held, time) });
        throw refusal(held, time);
      }
      const grant = grantOf(held, bounded, choices, time);
      show?.(grant);
      return grant;
    },
  };
}

function isOfTokens({ unit }: Limit): boolean {
  return unit === 'tokens';
}

function standingOf({ limit, most, used, resetAt }: Short | Held, time: number): Standing {
  return { limit: most, remaining: Math.max(0, most - used), resetMs: Math.max(0, resetAt - time), every: limit.every };
}

function standingsOf(held: readonly Held[], time: number): Standings {
  const least: Standings = {};
  for (const one of held) {
    const { unit } = one.limit;
    const standing = standingOf(one, time);
    if (least[unit] === undefined || standing.remaining < least[unit].remaining) least[unit] = standing;
  }
  return least;
}
