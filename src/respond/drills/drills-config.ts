// The part of the configuration that says when drills come by themselves.
import { z } from 'zod';

export const drillSchedules = ['monthly', 'weekly', 'off'] as const;
export type DrillSchedule = (typeof drillSchedules)[number];

export const drillsSettingsSchema = z.strictObject({
  /** All drills, in a process and a sandbox of their own, at a moment that differs from instance to instance. */
  schedule: z.enum(drillSchedules).default('monthly'),
});
