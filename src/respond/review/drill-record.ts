// What a record of the journal says of a drill: coverage is computed from these.
import { z } from 'zod';
import type { JsonObject } from '../../platform/base/json.ts';

const drilledSchema = z.object({
  phase: z.literal('drill'),
  type: z.string(),
  result: z.enum(['passed', 'failed', 'not-run']),
  startedAt: z.iso.datetime(),
  /** What saw it; null when nothing did. */
  detector: z.string().nullable(),
  /** From the act to containment by the playbook; null when there was none. */
  containedMs: z.number().nullable(),
});
export type Drilled = Omit<z.output<typeof drilledSchema>, 'phase'>;

/** Undefined for a record that is about something else. */
export function drillOf(event: JsonObject): Drilled | undefined {
  const read = drilledSchema.safeParse(event['unmapped']);
  return read.success ? { ...read.data, type: read.data.type.replaceAll('_', '-') } : undefined;
}
