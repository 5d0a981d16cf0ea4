// The section `respond.kpi` of the configuration: what the figures are held against.
import { z } from 'zod';

const percent = z.number().min(0).max(100);

export const kpiTargetsSchema = z.strictObject({
  /** Mean time from the event to its detection, in minutes. */
  mttdMinutes: z.number().positive().default(5),
  /** Mean time from detection to containment, in minutes. */
  mttrMinutes: z.number().positive().default(15),
  /** False positives among closed incidents with a verdict. */
  falsePositivePercent: percent.default(2),
  /** Types with a detector, a playbook and a drill that passed. */
  coveragePercent: percent.default(95),
  /** A drill older than this proves nothing any more. */
  drillDays: z.number().positive().default(30),
});

export type KpiTargets = z.output<typeof kpiTargetsSchema>;
