// The document rempart/drill@1: what was exercised in a sandbox, what was seen there, and how long it took.
import { z } from 'zod';

const instant = z.iso.datetime();
const milliseconds = z.number().min(0);

export const drillResults = ['passed', 'failed', 'not-run'] as const;
export type DrillResult = (typeof drillResults)[number];
export const drillPhases = ['before', 'detected', 'contained', 'restored', 'undone', 'closed'] as const;
export type DrillPhase = (typeof drillPhases)[number];
/** `processes`: an engine of Rempart's own whose containers are child processes; `podman`: real containers. */
export const drillEngines = ['processes', 'podman'] as const;
export type DrillEngine = (typeof drillEngines)[number];

/** One look at the world, never the word of the action that is examined. */
export const drillCheckSchema = z.strictObject({
  phase: z.enum(drillPhases),
  name: z.string(),
  ok: z.boolean(),
  text: z.string(),
  facts: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
});

export const drillStepSchema = z.strictObject({
  step: z.string(),
  action: z.string(),
  effects: z.array(
    z.strictObject({ target: z.string(), change: z.string(), from: z.string().optional(), to: z.string().optional() }),
  ),
  reversible: z.boolean(),
  approval: z.boolean(),
  /** Code of the error that would refuse it. */
  refusal: z.string().nullable(),
});

export const drilledScenarioSchema = z.strictObject({
  scenario: z.string(),
  /** Of the taxonomy. */
  type: z.string(),
  level: z.union([z.literal(1), z.literal(2), z.literal(3)]),
  title: z.string(),
  result: z.enum(drillResults),
  why: z.strictObject({ code: z.string(), text: z.string() }).nullable(),
  /** Of the first signal; null when nothing was detected. */
  detector: z.string().nullable(),
  detectors: z.array(z.string()),
  playbook: z.string(),
  /** What ran the containers; null where none was started. */
  engine: z.enum(drillEngines).nullable(),
  startedAt: instant,
  tookMs: milliseconds,
  /** From the act to the incident that stood in the store, seen over a connection of the drill's own. */
  detectedMs: milliseconds.nullable(),
  /** From the act to the moment at which each check of containment held. */
  containedMs: milliseconds.nullable(),
  checks: z.array(drillCheckSchema),
  /** With --dry-run: what would be caused and done, and how it would be put back, newest first. */
  plan: z
    .strictObject({ cause: z.string(), steps: z.array(drillStepSchema), undo: z.array(z.string()), end: z.string() })
    .nullable(),
});
export type DrilledScenario = z.output<typeof drilledScenarioSchema>;

export const drillSchema = z.strictObject({
  schema: z.literal('rempart/drill@1'),
  dryRun: z.boolean(),
  startedAt: instant,
  finishedAt: instant,
  scenarios: z.array(drilledScenarioSchema),
  passed: z.int().min(0),
  failed: z.int().min(0),
  notRun: z.int().min(0),
});
export type DrillDocument = z.output<typeof drillSchema>;
