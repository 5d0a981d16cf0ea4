// The part of the configuration on requests that wait for their answer: how many, how long, where they may be sent.
import { z } from 'zod';

const secret = z.string().regex(/^(env|file):.+/, 'issue.secret');
const minutes = z.number().int().min(1).max(525_600);

export const deferredSchema = z.strictObject({
  mode: z.enum(['on', 'off']).default('on'),
  /** Questions put to the chatbot wait too, and their answers appear in their conversations. */
  chat: z.boolean().default(true),
  /** Until when a request is worth an answer, where it does not say so itself, and at the latest. */
  deadlineMinutes: minutes.default(1_440),
  longestDeadlineMinutes: minutes.default(10_080),
  /** Worked on at once. */
  atOnce: z.number().int().min(1).max(64).default(4),
  /** Kept at once, of everybody and of one user. */
  most: z.number().int().min(1).max(1_000_000).default(10_000),
  mostPerUser: z.number().int().min(1).max(100_000).default(100),
  megabytes: z.number().int().min(1).max(65_536).default(256),
  /** How long an answer is kept for its owner, and how long once it was delivered. */
  keepMinutes: minutes.default(1_440),
  keepDeliveredMinutes: minutes.default(60),
  /** What texts are sealed with; default: a key of its own in the data directory. Nodes of one database share one. */
  key: secret.optional(),
  webhooks: z
    .strictObject({
      /** What deliveries are signed with; without it none is sent. */
      secret: secret.optional(),
      /** Private hosts that may be named all the same. */
      allowedHosts: z.array(z.string().min(1).max(253)).max(100).default([]),
      timeoutMs: z.number().int().min(100).max(60_000).default(5_000),
    })
    .prefault({}),
});

export type DeferredSettings = z.output<typeof deferredSchema>;

const shortestSecret = 16;

/** What only shows once `env:` and `file:` are resolved. */
export function deferredIssue({ key, webhooks, deadlineMinutes, longestDeadlineMinutes }: DeferredSettings) {
  const isShort = (secret: string | undefined) => secret !== undefined && secret.length < shortestSecret;
  if (isShort(key)) return { path: 'deferred.key', key: 'deferred.issue.short' } as const;
  if (isShort(webhooks.secret)) return { path: 'deferred.webhooks.secret', key: 'deferred.issue.short' } as const;
  if (deadlineMinutes > longestDeadlineMinutes)
    return { path: 'deferred.deadlineMinutes', key: 'deferred.issue.deadline' } as const;
  return undefined;
}
