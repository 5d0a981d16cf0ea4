// The documents about several incidents: rempart/incidents@1, rempart/incident-types@1, and a question to people, rempart/question@1.
import { z } from 'zod';
import { escalationLevels, incidentSchema } from './incident.ts';

const instant = z.iso.datetime();
const inBoth = z.strictObject({ en: z.string(), fr: z.string() });

const question = {
  id: z.string(),
  run: z.string(),
  incident: z.string().nullable(),
  step: z.string(),
  /** `approval` of a plan, work by hand (`manual`), or whether something happened before a crash (`unknown`). */
  kind: z.enum(['approval', 'manual', 'unknown']),
  /** For an approval: the action, its effects and whether it can be undone. */
  about: z.record(z.string(), z.json()),
  /** What a decision is bound to. */
  planHash: z.string().nullable(),
  quorum: z.int().min(1),
  requestedBy: z.string(),
  askedAt: instant,
  expiresAt: instant.nullable(),
  onTimeout: z.enum(['deny', 'proceed']),
  state: z.enum(['open', 'granted', 'denied', 'expired']),
  decisions: z.array(
    z.strictObject({
      by: z.string(),
      grant: z.boolean(),
      at: instant,
      values: z.record(z.string(), z.string()).optional(),
    }),
  ),
};
export const questionSchema = z.strictObject({ schema: z.literal('rempart/question@1'), ...question });
const questionEntry = z.strictObject(question);
export type Question = z.output<typeof questionEntry>;

export const incidentsSchema = z.strictObject({
  schema: z.literal('rempart/incidents@1'),
  incidents: z.array(incidentSchema),
  /** All that wait for people, of these incidents or of none. */
  questions: z.array(questionEntry),
});

export const incidentTypesSchema = z.strictObject({
  schema: z.literal('rempart/incident-types@1'),
  types: z.array(
    z.strictObject({
      id: z.string(),
      level: z.union([z.literal(1), z.literal(2), z.literal(3)]),
      escalation: z.enum(escalationLevels),
      respondWithinMinutes: z.int(),
      phases: z.record(z.string(), z.int()),
      atlas: z.array(z.string()),
      owasp: z.array(z.string()),
      detectors: z.array(z.string()),
      playbook: z.string(),
      drill: z.string(),
      title: inBoth,
      example: inBoth,
      impact: inBoth,
    }),
  ),
});
