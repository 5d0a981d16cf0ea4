// The documents rempart/risks@1 and rempart/plan@1: the risk register and the hardening plan, each computed from the last scan.
import { z } from 'zod';

const score = z.number().min(0).max(10);

export const risksSchema = z.strictObject({
  schema: z.literal('rempart/risks@1'),
  /** The scan they were computed from; null: there was none, so no control counts. */
  scan: z.iso.datetime().nullable(),
  rule: z.string(),
  risks: z.array(
    z.strictObject({
      id: z.string(),
      title: z.string(),
      description: z.string(),
      impact: z.string(),
      mitigation: z.string(),
      /** Out of 10. */
      before: score,
      after: score,
      state: z.enum(['open', 'partial', 'mitigated']),
      /** Each control with its state in that scan. */
      evidence: z.array(z.strictObject({ control: z.string(), state: z.enum(['met', 'failed', 'not-assessed']) })),
    }),
  ),
});
export type Risks = z.output<typeof risksSchema>;

export const planSchema = z.strictObject({
  schema: z.literal('rempart/plan@1'),
  scan: z.iso.datetime().nullable(),
  done: z.int().nonnegative(),
  total: z.int().nonnegative(),
  points: z.array(
    z.strictObject({
      id: z.string(),
      phase: z.int().min(1).max(3),
      title: z.string(),
      state: z.enum(['done', 'open', 'not-assessed']),
      /** `check`: a scan decides; `person`: somebody ticks it. */
      by: z.enum(['check', 'person']),
      evidence: z.string(),
    }),
  ),
});
export type Plan = z.output<typeof planSchema>;
