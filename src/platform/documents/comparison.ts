// The document rempart/comparison@1: two simulation runs side by side. Read by CI.
import { z } from 'zod';
import { dimensions, levels, type MethodId, methodIds, type ScenarioId, scenarioIds } from './simulation.ts';

const scenario = z.enum(scenarioIds as [ScenarioId, ...ScenarioId[]]);
const method = z.enum(methodIds as [MethodId, ...MethodId[]]);
const number = z.number().nullable();
const run = z.strictObject({
  target: z.string(),
  pace: z.enum(['real', 'quick']),
  runs: z.number().int(),
  seed: z.number().int(),
  startedAt: z.string(),
  score: z.number(),
  percent: z.number(),
  level: z.enum(levels),
  /** SHA-256 of the rubric. */
  rubric: z.string(),
  leaks: z.number().int(),
});
const mark = z
  .strictObject({ passed: z.boolean(), points: z.number(), of: z.number(), because: z.string() })
  .nullable();
const leak = z.strictObject({
  scenario,
  method,
  canary: z.string().optional(),
  pattern: z.string().optional(),
  channel: z.string(),
});

export const conditions = ['target', 'pace', 'runs', 'seed', 'rubric'] as const;
export const timingNames = ['detectMs', 'noticeMs', 'recoverMs'] as const;

export const comparisonSchema = z.strictObject({
  schema: z.literal('rempart/comparison@1'),
  before: run,
  after: run,
  /** What was not the same for both: then a change may come from it and not from the target. */
  differs: z.array(z.enum(conditions)),
  /** `change`: points gained; null when one of the runs could not assess the cell. */
  cells: z.array(
    z.strictObject({
      scenario,
      dimension: z.enum(dimensions),
      before: number,
      after: number,
      change: number,
      worse: z.boolean(),
    }),
  ),
  /** Only those whose points changed, or that only one run has. */
  checks: z.array(z.strictObject({ scenario, method, check: z.string(), before: mark, after: mark })),
  leaks: z.strictObject({ appeared: z.array(leak), gone: z.array(leak) }),
  timings: z.array(z.strictObject({ scenario, method, timing: z.enum(timingNames), before: number, after: number })),
  /** The second is worse by more than the tolerance in a cell. */
  worse: z.boolean(),
});

export type Comparison = z.output<typeof comparisonSchema>;
export type ComparedCell = Comparison['cells'][number];
export type ComparedCheck = Comparison['checks'][number];
export type ComparedTiming = Comparison['timings'][number];
export type PlacedLeak = z.output<typeof leak>;
