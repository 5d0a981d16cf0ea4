// The document rempart/incident@1: what people answer for, from the first signal to its closing.
import { z } from 'zod';

export const escalationLevels = ['info', 'warning', 'critical', 'emergency'] as const;
export type EscalationLevel = (typeof escalationLevels)[number];
export const incidentStatuses = ['detected', 'acknowledged', 'contained', 'resolved', 'closed'] as const;
export type IncidentStatus = (typeof incidentStatuses)[number];
export const incidentVerdicts = ['true-positive', 'false-positive', 'test', 'duplicate'] as const;
export type IncidentVerdict = (typeof incidentVerdicts)[number];

const instant = z.iso.datetime();
const scalar = z.union([z.string(), z.number(), z.boolean()]);
/** Names of parts and numbers; what came from outside has been made harmless before. */
const facts = z.record(z.string(), scalar);

export const incidentSignalSchema = z.strictObject({
  detector: z.string(),
  time: instant,
  facts,
  /** How often it came again. */
  repeats: z.int().min(0),
});

export const timelineEntrySchema = z.strictObject({
  time: instant,
  /** A word for it, e.g. `detected`, `step-done`, `notified`, `note`. */
  kind: z.string(),
  /** Who or what did it: a detector, a playbook, an account. */
  by: z.string(),
  facts,
});
export type TimelineEntry = z.output<typeof timelineEntrySchema>;

export const correctionSchema = z.strictObject({ text: z.string(), done: z.boolean() });

export const incidentSchema = z.strictObject({
  schema: z.literal('rempart/incident@1'),
  id: z.string().regex(/^INC-\d{8}-\d{6}(-\d+)?$/),
  type: z.string(),
  level: z.union([z.literal(1), z.literal(2), z.literal(3)]),
  status: z.enum(incidentStatuses),
  verdict: z.enum(incidentVerdicts).nullable(),
  escalation: z.enum(escalationLevels),
  /** What it happened to: a service, a model, a state, a session, by the name that the profile or Rempart gives it. */
  subject: z.string(),
  /** The incident whose heightened monitoring saw it again. */
  parent: z.string().nullable(),
  occurredAt: instant,
  detectedAt: instant,
  firstActionAt: instant.nullable(),
  acknowledgedAt: instant.nullable(),
  investigationAt: instant.nullable(),
  causeIdentifiedAt: instant.nullable(),
  containedAt: instant.nullable(),
  solutionAt: instant.nullable(),
  restoredAt: instant.nullable(),
  validatedAt: instant.nullable(),
  closedAt: instant.nullable(),
  /** By when it must be contained. */
  dueBy: instant,
  signals: z.array(incidentSignalSchema),
  timeline: z.array(timelineEntrySchema),
  playbookRuns: z.array(
    z.strictObject({
      run: z.string(),
      playbook: z.string(),
      state: z.enum(['waiting', 'running', 'done', 'failed', 'cancelled']),
    }),
  ),
  impact: z.strictObject({
    downtimeMinutes: z.number().min(0).nullable(),
    services: z.array(z.string()),
    dataCompromised: z.boolean().nullable(),
    usersAffected: z.int().min(0).nullable(),
  }),
  causes: z.array(z.string()),
  actions: z.strictObject({ corrective: z.array(correctionSchema), preventive: z.array(correctionSchema) }),
  lessons: z.array(z.string()),
});
export type Incident = z.output<typeof incidentSchema>;

/** Moments of an incident that an action or a person marks, as the document names them. */
export const incidentMoments = [
  'firstActionAt',
  'investigationAt',
  'causeIdentifiedAt',
  'containedAt',
  'solutionAt',
  'restoredAt',
  'validatedAt',
] as const;
export type IncidentMoment = (typeof incidentMoments)[number];
