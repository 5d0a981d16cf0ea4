// The document rempart/drift@1: what is no longer as it was when the baseline was signed.
import { z } from 'zod';

export const driftAreas = ['config', 'file', 'finding', 'port', 'models'] as const;
export type DriftArea = (typeof driftAreas)[number];

export const driftChangeSchema = z.strictObject({
  area: z.enum(driftAreas),
  /** A key of the configuration, a file, a rule with its place, an address, or what of the models. */
  key: z.string(),
  kind: z.enum(['added', 'removed', 'changed']),
  /** As it was and as it is; a secret is masked, and null is what is not there. */
  before: z.string().nullable(),
  after: z.string().nullable(),
  /** When it was changed, where a file's time or the journal tells; never before the baseline. */
  at: z.iso.datetime().nullable(),
  /** Who did it, where the journal knows. */
  by: z.string().nullable(),
});
export type DriftChange = z.output<typeof driftChangeSchema>;

export const driftSchema = z.strictObject({
  schema: z.literal('rempart/drift@1'),
  baseline: z.strictObject({
    state: z.enum(['valid', 'missing', 'bad']),
    why: z.enum(['unreadable', 'signature', 'key', 'older']).nullable(),
    takenAt: z.iso.datetime().nullable(),
    by: z.string().nullable(),
    signature: z.string().nullable(),
  }),
  comparedAt: z.iso.datetime(),
  changes: z.array(driftChangeSchema),
});
export type Drift = z.output<typeof driftSchema>;
