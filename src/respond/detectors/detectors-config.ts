// The part of the configuration that says what is watched for incidents, and from when on something is one.
import { z } from 'zod';

const seconds = z.number().min(0.1).max(86_400);
const threshold = z.strictObject({ count: z.int().min(1).max(100_000), withinSeconds: z.int().min(1).max(86_400) });

/** Signals that are only an incident when they come often. */
const countedSignals = [
  'rate-limited',
  'hostile-request',
  'code-execution-attempt',
  'prompt-attack',
  'answer-blocked',
  'behaviour-anomaly',
  'screening-failed',
  'dangerous-route',
  'network-crossing',
  'alert-threshold',
] as const;

export const detectorsSchema = z.strictObject({
  /** The same thing again within it is counted, and told of as a number. */
  repeatSeconds: seconds.default(60),
  /** Subjects of one type of incident in a minute; more are told of together. */
  subjectsPerMinute: z.int().min(1).max(1_000).default(10),
  signals: z
    .strictObject({
      on: z.boolean().default(true),
      /** How often within how long each of them is an incident, e.g. {prompt-attack: {count: 20, withinSeconds: 600}}. */
      often: z.partialRecord(z.enum(countedSignals), threshold).default({}),
    })
    .prefault({}),
});

export type DetectorsSettings = z.output<typeof detectorsSchema>;
