// The section `prediction` of the configuration: whether failures are foreseen, and how far ahead.
import { z } from 'zod';

export const predictionSchema = z.strictObject({
  on: z.boolean().default(true),
  /** Failures further away than this are not told of; of memory half an hour counts. */
  horizonMinutes: z.number().min(1).max(60).default(10),
});

export type PredictionSettings = z.output<typeof predictionSchema>;
