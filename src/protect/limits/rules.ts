// Rules of the configuration made ready: which of them fit a request, and under which key each counts it.
import { createHash } from 'node:crypto';
import type { Span } from '../../platform/shared/counters.ts';
import type { Role } from '../gateway/ask.ts';
import { canonicalModel, mayUseModel, mayUseRoute } from '../gateway/scopes.ts';
import type { Calendar } from './calendar.ts';
import type { Dimension, Period, RuleSettings } from './limits-config.ts';

/** What a rule looks at. */
export interface Asked {
  subject: string;
  role: Role;
  /** The public id of the key. */
  credential: string;
  sourceIp: string;
  /** Our own name of the address: "POST /v1/chat/completions". */
  operation: string;
  model: string;
}

export type Unit = 'requests' | 'tokens';

/** One thing that is counted. */
export interface Limit {
  unit: Unit;
  most: number;
  every: Period;
  /** Names what is counted apart, for a metric's label: user, user+model, all. */
  scope: string;
  /** Counted in the table that strangers may fill. */
  byStrangers: boolean;
  /** Kept over a restart. */
  isLong: boolean;
  fits(asked: Asked): boolean;
  keyOf(asked: Asked): string;
  span(now: number): Span;
}

const lengths: Readonly<Record<'minute' | 'hour', number>> = { minute: 60_000, hour: 3_600_000 };

/** Those with a model in their key come last: a caller who makes names up is stopped by the others before. */
export function compileRules(rules: readonly RuleSettings[], calendar: Calendar): Limit[] {
  const limits = rules.flatMap((rule) =>
    (['requests', 'tokens'] as const).flatMap((unit) => {
      const most = rule[unit];
      return most === undefined ? [] : [compile(rule, unit, most, calendar)];
    }),
  );
  return limits.sort((a, b) => rank(a) - rank(b));
}

function rank({ scope, unit }: Limit): number {
  return (scope.includes('model') ? 2 : 0) + (unit === 'tokens' ? 1 : 0);
}

function compile(rule: RuleSettings, unit: Unit, most: number, calendar: Calendar): Limit {
  const { every, per } = rule;
  const isRolling = (rule.window ?? (every === 'minute' || every === 'hour' ? 'rolling' : 'calendar')) === 'rolling';
  const rolling: Span = { windowMs: every === 'minute' || every === 'hour' ? lengths[every] : 0 };
  const isLong = every === 'day' || every === 'month';
  // Not the limit itself: who raises it does not give everybody a fresh start.
  const { users, roles, models, routes } = rule;
  const mark = JSON.stringify([unit, every, isRolling, per, users, roles, models, routes]);
  const prefix = createHash('sha256').update(mark).digest('base64url').slice(0, 12);
  const values = per.map((dimension) => valueIn[dimension]);
  const [first, second] = values;
  const keyOf =
    values.length === 0
      ? () => prefix
      : values.length === 1 && first !== undefined
        ? (asked: Asked) => `${prefix}|${first(asked)}`
        : (asked: Asked) => `${prefix}|${values.map((value) => JSON.stringify(value(asked))).join('|')}`;
  return {
    unit,
    most,
    every,
    scope: per.length === 0 ? 'all' : per.join('+'),
    byStrangers: values.length === 1 && second === undefined && per[0] === 'source',
    isLong,
    fits: fitting(rule),
    keyOf: isLong ? digested(keyOf) : keyOf,
    span: isRolling ? () => rolling : (now) => calendar(every, now),
  };
}

const valueIn: Readonly<Record<Dimension, (asked: Asked) => string>> = {
  user: ({ subject }) => subject,
  // A session that a key opened is the key's.
  key: ({ credential }) => credential.split('/', 1)[0] ?? '',
  source: ({ sourceIp }) => sourceIp,
  model: ({ model }) => canonicalModel(model).slice(0, 200),
  route: ({ operation }) => operation,
};

function fitting({ users, roles, models, routes }: RuleSettings): (asked: Asked) => boolean {
  const checks: ((asked: Asked) => boolean)[] = [];
  if (users !== undefined) checks.push(({ subject }) => users.includes(subject));
  if (roles !== undefined) checks.push(({ role }) => roles.includes(role));
  if (models !== undefined) checks.push(({ model }) => mayUseModel({ models }, model));
  // What the chatbot asks came in at its own address.
  if (routes !== undefined)
    checks.push(({ operation }) => mayUseRoute({ routes }, operation === 'ask' ? 'POST /chat' : operation));
  if (checks.length === 0) return () => true;
  return (asked) => checks.every((check) => check(asked));
}

/** What is kept in the store says nobody's name. */
function digested(keyOf: (asked: Asked) => string): (asked: Asked) => string {
  const known = new Map<string, string>();
  return (asked) => {
    const key = keyOf(asked);
    const met = known.get(key);
    if (met !== undefined) return met;
    const digest = createHash('sha256').update(key).digest('base64url');
    if (known.size >= 10_000) known.clear();
    known.set(key, digest);
    return digest;
  };
}
