// The rubric as data: read from scenarios/rubric.yaml, checked, hashed.
import { createHash } from 'node:crypto';
import { parse } from 'yaml';
import { z } from 'zod';
import { dimensions } from '../../platform/documents/simulation.ts';

const band = z.array(z.tuple([z.number().min(0), z.number().min(0).max(1)])).min(2);
export const checkIds = [
  'alert',
  'health',
  'notice',
  'foresight',
  'answered',
  'honest',
  'retried',
  'rode-out',
  'not-retried',
  'refused-key',
  'spare',
  'continuity',
  'pace',
  'priority',
  'alive',
  'back',
  'reconnect',
  'history',
  'undisturbed',
  'says-what',
  'says-do',
  'says-when',
  'language',
  'plain',
  'told-soon',
  'retry-after',
  'no-key',
  'no-host',
  'no-path',
  'no-trace',
] as const;
export type CheckId = (typeof checkIds)[number];
const checkId = z.enum(checkIds);

const rubricSchema = z.strictObject({
  name: z.string(),
  bands: z.strictObject({ detection: band, alert: band, recovery: band, patience: band, telling: band }),
  checks: z.record(checkId, z.strictObject({ dimension: z.enum(dimensions), of: z.number().positive() })),
  answers: z.strictObject({
    served: z.number(),
    limited: z.number(),
    error: z.number(),
    'bare-error': z.number(),
    silence: z.number(),
    posed: z.number(),
  }),
  /** A load fault means nothing on a machine that was busier than this by itself. */
  machine: z.strictObject({ calmBelow: z.number().min(0).max(1) }).default({ calmBelow: 0.5 }),
  everywhere: z.array(checkId),
  methods: z.record(z.string(), z.array(checkId)),
});

export type Rubric = z.output<typeof rubricSchema> & { sha256: string };
export type Band = z.output<typeof band>;

export function parseRubric(source: string): Rubric {
  return { ...rubricSchema.parse(parse(source)), sha256: createHash('sha256').update(source).digest('hex') };
}

/** The share of points at a value: linear between the band's rows, 0 beyond the last. */
export function shareAt(rows: Band, value: number): number {
  let before = rows[0]!;
  if (value <= before[0]) return before[1];
  for (const row of rows.slice(1)) {
    if (value <= row[0]) return before[1] + ((row[1] - before[1]) * (value - before[0])) / (row[0] - before[0]);
    before = row;
  }
  return 0;
}
