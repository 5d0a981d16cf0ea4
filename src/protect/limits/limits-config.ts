// The part of the configuration that says how much callers may ask: rules for those who are known, one for each address, how long answers may be, and how many at once.
import { z } from 'zod';

export const dimensions = ['user', 'key', 'source', 'model', 'route'] as const;
export type Dimension = (typeof dimensions)[number];
export const periods = ['minute', 'hour', 'day', 'month'] as const;
export type Period = (typeof periods)[number];

const amount = z.number().int().min(0).max(1_000_000_000_000);
const names = z.array(z.string().min(1).max(200));

const rule = z
  .strictObject({
    /** Who or what is counted apart: each user, each pair of user and model, …; an empty list: all together. */
    per: z
      .union([z.enum(dimensions), z.array(z.enum(dimensions))])
      .default('user')
      .transform((given) => (Array.isArray(given) ? given : [given])),
    every: z.enum(periods),
    requests: amount.optional(),
    tokens: amount.optional(),
    /**
     * `calendar`: from the full minute or hour, from midnight, from the first of the month, in `zone`. `rolling`: any
     * stretch of that length. Default: rolling for minute and hour, calendar for day and month.
     */
    window: z.enum(['calendar', 'rolling']).optional(),
    /** Only for these, with * for any text; nothing given: for all. */
    users: names.optional(),
    roles: z.array(z.enum(['user', 'viewer', 'operator', 'admin'])).optional(),
    models: names.optional(),
    routes: names.optional(),
  })
  .refine(({ requests, tokens }) => requests !== undefined || tokens !== undefined, 'limits.issue.empty')
  .refine(
    ({ window, every }) => window !== 'rolling' || every === 'minute' || every === 'hour',
    'limits.issue.rolling',
  );

const atOnce = z.number().int().min(1).max(100_000);

export const limitsSchema = z.strictObject({
  /** Where midnight is, e.g. Europe/Paris. */
  zone: z.string().default('UTC').refine(isZone, 'limits.issue.zone'),
  /** All that fit a request hold together. */
  rules: z
    .array(rule)
    .max(100)
    .prefault([{ per: 'user', every: 'hour', requests: 100 }]),
  /** For each address, whoever asks and before that is known. */
  sources: z
    .strictObject({ requests: amount.default(1_200), every: z.enum(['minute', 'hour']).default('minute') })
    .prefault({}),
  tokens: z
    .strictObject({
      /** Set aside, and asked for, where a request under a limit of tokens does not say how long an answer may be. */
      defaultAnswer: z.number().int().min(1).max(1_000_000).default(2_048),
      /** No request under a limit of tokens may ask for more. */
      maxAnswer: z.number().int().min(1).max(10_000_000).default(32_768),
    })
    .prefault({}),
  concurrency: z
    .strictObject({
      /** Calls worked on at once, over all callers of one thread. */
      total: atOnce.default(2_000),
      perKey: atOnce.default(500),
      /** Who finds no place waits, no longer than this; the rest is refused. */
      waiting: z.number().int().min(0).max(100_000).default(256),
      waitMs: z.number().int().min(0).max(60_000).default(8_000),
      /** Fewer at once while the event loop is so late, or answers take so many times as long to begin as they did. */
      lagMs: z.number().int().min(10).max(10_000).default(250),
      slower: z.number().min(1.5).max(1_000).default(4),
    })
    .prefault({}),
});

export type LimitsSettings = z.output<typeof limitsSchema>;
export type RuleSettings = LimitsSettings['rules'][number];

function isZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}
