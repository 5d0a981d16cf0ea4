// The part of the configuration that says what is watched for incidents, and from when on something is one.
import { z } from 'zod';
import { metricRuleSchema } from './metric-rules.ts';

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
  /** The log files of the deployment profile: what they say, and whether somebody forges their entries. */
  logs: z
    .strictObject({
      on: z.boolean().default(true),
      /** Rules of one's own beside rules/detect/logs.yaml, in the same form. */
      rules: z.string().optional(),
      injection: z.boolean().default(true),
    })
    .prefault({}),
  audit: z
    .strictObject({
      on: z.boolean().default(true),
      file: z.string().default('/var/log/audit/audit.log'),
      /** Users that only serve: a shell that talks is an intrusion there. */
      serviceUsers: z.array(z.int().min(0)).default([33, 48]),
      /** First of the user ids that the engine gives to those inside containers; 0: none. */
      containerUidsFrom: z.int().min(0).default(100_000),
    })
    .prefault({}),
  containers: z.strictObject({ on: z.boolean().default(true), everySeconds: seconds.default(3) }).prefault({}),
  /** The metrics addresses of the deployment profile. */
  metrics: z
    .strictObject({
      on: z.boolean().default(true),
      everySeconds: seconds.default(30),
      timeoutSeconds: seconds.default(10),
      maxMegabytes: z.number().min(0.1).max(64).default(8),
      /** In place of those for errors, security and anomalies. */
      rules: z.array(metricRuleSchema).optional(),
    })
    .prefault({}),
  /** The states of the deployment profile. */
  states: z.strictObject({ on: z.boolean().default(true) }).prefault({}),
  /** This process itself. */
  runtime: z
    .strictObject({
      on: z.boolean().default(true),
      loopDelayMs: z.number().min(10).max(60_000).default(250),
      loopLooks: z.int().min(1).max(600).default(5),
      memoryShare: z.number().min(0.1).max(1).default(0.75),
      memoryMinutesLeft: z.number().min(1).max(1_440).default(30),
      floodPerSecond: z.number().min(1).max(1_000_000).default(20),
      floodTimes: z.number().min(1.5).max(1_000).default(8),
      latencyTimes: z.number().min(1.5).max(1_000).default(4),
    })
    .prefault({}),
  journal: z
    .strictObject({
      on: z.boolean().default(true),
      /** Whether the journal's own chain is followed as it grows. */
      chain: z.boolean().default(true),
      /** Folders with Sigma rules of one's own. */
      sigma: z.array(z.string()).default([]),
    })
    .prefault({}),
});

export type DetectorsSettings = z.output<typeof detectorsSchema>;
