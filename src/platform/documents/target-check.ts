// The document rempart/target-check@1: the dry probe of a target profile.
import { z } from 'zod';
import { type MethodId, methodIds, type ScenarioId, scenarioIds } from './simulation.ts';

export const probed = [
  'start',
  'ask',
  'upstream',
  'history',
  'health',
  'settings',
  'login',
  'incidents',
  'alerts',
  'spare-key',
  'admin',
  'logs',
  'procedure',
  'database',
] as const;
export type Probed = (typeof probed)[number];

/** works: tried. fails: promised and did not. untried: promised, and only a fault can show it. missing: not in the profile. */
const finding = z.strictObject({
  what: z.enum(probed),
  state: z.enum(['works', 'fails', 'untried', 'missing']),
  detail: z.string(),
});
export type Finding = z.output<typeof finding>;

export const targetCheckSchema = z.strictObject({
  schema: z.literal('rempart/target-check@1'),
  target: z.string(),
  findings: z.array(finding),
  /** `why`: why it cannot be had with this target. */
  methods: z.array(
    z.strictObject({
      scenario: z.enum(scenarioIds as [ScenarioId, ...ScenarioId[]]),
      method: z.enum(methodIds as [MethodId, ...MethodId[]]),
      why: z.string().optional(),
    }),
  ),
  reachable: z.boolean(),
});
