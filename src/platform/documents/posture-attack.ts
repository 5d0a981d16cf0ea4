// The document rempart/attack@1: what hostile requests came through, and what ordinary users felt of them.
import { z } from 'zod';

const count = z.int().nonnegative();
const load = z.strictObject({
  sent: count,
  failed: count,
  /** Milliseconds; null when nothing was answered. */
  p50: z.number().nullable(),
  p95: z.number().nullable(),
  /** How many of each HTTP status. */
  statuses: z.record(z.string(), count),
});

export const attackSchema = z.strictObject({
  schema: z.literal('rempart/attack@1'),
  time: z.iso.datetime(),
  authorisation: z.string().nullable(),
  ratePerSecond: z.number(),
  seconds: z.number(),
  /** Whether the hostile requests came with a key of their own: with the ordinary users' key, those share its punishment. */
  identities: z.enum(['separate', 'shared']),
  hostile: z.array(
    z.strictObject({
      id: z.string(),
      sent: count,
      refused: count,
      passed: count,
      unanswered: count,
      statuses: z.record(z.string(), count),
    }),
  ),
  /** Ordinary requests alone, then among the hostile ones. */
  ordinary: z.strictObject({ before: load, during: load }),
  verdict: z.enum(['held', 'passed', 'degraded', 'not-assessed']),
});
export type Attack = z.output<typeof attackSchema>;
export type AttackLoad = z.output<typeof load>;
