// The document rempart/kpi@1: how well incidents are found and contained, computed from the journal and from nothing else.
import { z } from 'zod';

const instant = z.iso.datetime();

export const kpiIds = ['mttd', 'mttr', 'false-positives', 'coverage'] as const;
export type KpiId = (typeof kpiIds)[number];

export const kpiSchema = z.strictObject({
  id: z.enum(kpiIds),
  unit: z.enum(['seconds', 'share']),
  /** The value must be below it, or above it for coverage. */
  target: z.number(),
  better: z.enum(['below', 'above']),
  /** Null without data: never a guess. */
  value: z.number().nullable(),
  /** How many incidents, verdicts or types it was computed from. */
  n: z.int().min(0),
  state: z.enum(['met', 'missed', 'no-data']),
  /** 95 %: of the mean by Student's t, of a share by Wilson; null where one would claim too much. */
  interval: z.strictObject({ low: z.number(), high: z.number() }).nullable(),
  /** Incidents that belong here and have no figure yet: not contained, or closed without a verdict. */
  pending: z.int().min(0),
});
export type Kpi = z.output<typeof kpiSchema>;

export const coveredTypeSchema = z.strictObject({
  type: z.string(),
  covered: z.boolean(),
  /** Of the newest drill that counts. */
  drilledAt: instant.nullable(),
  /** What is missing. */
  lacks: z.array(z.enum(['detector', 'playbook', 'drill'])),
});

export const kpisSchema = z.strictObject({
  schema: z.literal('rempart/kpi@1'),
  from: instant,
  to: instant,
  /** Incidents detected in this time, by what they turned out to be. */
  incidents: z.strictObject({
    all: z.int().min(0),
    real: z.int().min(0),
    falsePositives: z.int().min(0),
    tests: z.int().min(0),
    duplicates: z.int().min(0),
    undecided: z.int().min(0),
  }),
  kpis: z.array(kpiSchema),
  coverage: z.strictObject({
    types: z.array(coveredTypeSchema),
    /** MITRE ATLAS techniques that a covered type stands for, of those of all types. */
    techniques: z.strictObject({ covered: z.int().min(0), of: z.int().min(0) }),
  }),
  journal: z.strictObject({
    records: z.int().min(0),
    /** Lines whose hash is not theirs; left out. */
    unreadable: z.int().min(0),
  }),
});
export type Kpis = z.output<typeof kpisSchema>;
