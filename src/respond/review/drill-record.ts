// What the journal keeps of a drill, one record for each scenario: coverage is computed from these.
import { z } from 'zod';
import type { JsonObject } from '../../platform/base/json.ts';
import type { DrilledScenario } from '../../platform/documents/drill.ts';
import { applicationLifecycle } from '../../platform/journal/ocsf.ts';

const drilledSchema = z.object({
  type: z.string(),
  result: z.enum(['passed', 'failed', 'not-run']),
  dryRun: z.boolean(),
  detector: z.string().nullable(),
  playbook: z.string(),
});
export type Drilled = z.output<typeof drilledSchema>;

/** OCSF 6002. */
export function drillEvent(scenario: DrilledScenario, dryRun: boolean, time: number): JsonObject {
  const { type, result, detector, playbook, engine, detectedMs, containedMs, why } = scenario;
  return applicationLifecycle({
    time,
    activity: 'update',
    app: `drill ${type}`,
    severity: result === 'failed' ? 'high' : 'informational',
    ...(result === 'not-run' ? {} : { status: result === 'passed' ? ('success' as const) : ('failure' as const) }),
    ...(why === null ? {} : { statusCode: why.code }),
    unmapped: { drill: { type, result, dryRun, detector, playbook, engine, detectedMs, containedMs } },
  });
}

/** Undefined for a record that is about something else. */
export function drillOf(event: JsonObject): Drilled | undefined {
  const { drill } = (event['unmapped'] ?? {}) as { drill?: unknown };
  if (drill === undefined) return undefined;
  const read = drilledSchema.safeParse(drill);
  return read.success ? { ...read.data, type: read.data.type.replaceAll('_', '-') } : undefined;
}
