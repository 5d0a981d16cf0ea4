// The document rempart/posture@1: what is exposed or weakly set, the score, the threat level and the dashboard. Read by audit, console and CI.
import { z } from 'zod';

export const postureSeverities = ['critical', 'high', 'medium', 'low', 'info'] as const;
export type PostureSeverity = (typeof postureSeverities)[number];
export const threatLevels = ['GREEN', 'YELLOW', 'ORANGE', 'RED'] as const;
export type ThreatLevel = (typeof threatLevels)[number];

const count = z.int().nonnegative();
const instant = z.iso.datetime();

export const postureFindingSchema = z.strictObject({
  /** `compose/…`, `dockerfile/…` or `host/…`. */
  rule: z.string(),
  severity: z.enum(postureSeverities),
  /** As named on the command line; null for what is no file, such as a listener. */
  file: z.string().nullable(),
  line: z.int().positive().nullable(),
  service: z.string().nullable(),
  /** As the file spells it, dotted from the service. */
  setting: z.string(),
  /** As the file spells it; the name where the value is a secret. */
  value: z.string().nullable(),
  message: z.string(),
  fix: z.string(),
  why: z.string(),
  references: z.array(z.string()),
  /** A unified diff for `patch -p1`; null where only a person can decide. */
  patch: z.string().nullable(),
});
export type PostureFinding = z.output<typeof postureFindingSchema>;

export const securityDashboardSchema = z.strictObject({
  /** Of the last scan of this machine, or of these files; null: there was none. */
  current_threat_level: z.enum(threatLevels).nullable(),
  /** Distinct authenticated subjects in the last 15 minutes; null: no journal to count in. */
  active_sessions: count.nullable(),
  failed_auth_24h: count.nullable(),
  model_integrity_checks: z.enum(['PASSED', 'FAILED', 'NOT_RUN']),
  /** Crossings between zones and host accesses that are not allowed, over 24 h; null: nobody watched. */
  network_anomalies: count.nullable(),
  last_security_scan: instant.nullable(),
});
export type SecurityDashboard = z.output<typeof securityDashboardSchema>;

export const controlStates = ['met', 'failed', 'not-assessed'] as const;

export const controlSchema = z.strictObject({
  id: z.string(),
  title: z.string(),
  state: z.enum(controlStates),
  /** The rules that speak against it, or what showed that it holds. */
  evidence: z.array(z.string()),
});
export type Control = z.output<typeof controlSchema>;

export const postureSchema = z.strictObject({
  schema: z.literal('rempart/posture@1'),
  time: instant,
  /** `files`: only what was named; `host`: this machine. */
  scope: z.enum(['files', 'host']),
  files: z.array(z.string()),
  findings: z.array(postureFindingSchema),
  counts: z.record(z.enum(postureSeverities), count),
  /** What could not be read or assessed, and why. */
  notAssessed: z.array(z.strictObject({ what: z.string(), why: z.string() })),
  controls: z.array(controlSchema),
  score: z.strictObject({
    /** Controls met of those assessed, in percent; null when none was. */
    percent: z.number().min(0).max(100).nullable(),
    met: count,
    assessed: count,
    total: count,
  }),
  threatLevel: z.enum(threatLevels),
  /** Which stated rule gave the level. */
  threatBecause: z.string(),
  security_dashboard: securityDashboardSchema,
});
export type Posture = z.output<typeof postureSchema>;
