// The document rempart/simulation@1: what `simulate` measured and what it concluded. Read by audit, console and CI.
import { z } from 'zod';

/** The six scenarios in the order of the exercise, each with its methods in the order they are run. */
export const scenarioMethods = {
  'api-maintenance': ['invalid-key', 'wrong-url', 'timeout', 'unavailable', 'unavailable-retry-after'],
  'network-cut': [
    'refused',
    'proxy-dead',
    'blackhole-connect',
    'blackhole-silent',
    'mid-request',
    'mid-stream',
    'brief-cut',
    'long-cut',
    'reconnect',
  ],
  'key-compromised': ['invalid-key', 'revoked-401', 'revoked-403', 'streak'],
  overload: ['cpu', 'memory'],
  'database-down': ['stopped', 'corrupted', 'permission', 'locked', 'connections-exhausted'],
  'quota-exhausted': ['rate-limited', 'hard-quota', 'progressive'],
} as const;

export type ScenarioId = keyof typeof scenarioMethods;
export const scenarioIds = Object.keys(scenarioMethods) as ScenarioId[];
export const methodIds = [...new Set(Object.values(scenarioMethods).flat())];
export type MethodId = (typeof methodIds)[number];

export const dimensions = ['detection', 'management', 'recovery', 'ux', 'security'] as const;
export type Dimension = (typeof dimensions)[number];
export const levels = ['excellent', 'good', 'fair', 'insufficient'] as const;
export type Level = (typeof levels)[number];

const dimension = z.enum(dimensions);
const scenarioId = z.enum(scenarioIds as [ScenarioId, ...ScenarioId[]]);
const methodId = z.enum(methodIds as [MethodId, ...MethodId[]]);
const instant = z.iso.datetime();
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
/** Milliseconds over the runs of one method; null when it was never seen. */
const spread = z.strictObject({ min: z.number(), median: z.number(), max: z.number() }).nullable();
const cell = z.number().min(0).max(20).nullable();

export const checkResult = z.strictObject({
  id: z.string(),
  dimension,
  passed: z.boolean(),
  /** Points won, of `of`. */
  points: z.number(),
  of: z.number(),
  because: z.string(),
  evidence: z.array(z.string()),
});

export const leak = z.strictObject({
  canary: z.string().optional(),
  pattern: z.string().optional(),
  channel: z.string(),
  offset: z.number().int(),
  form: z.string(),
  cwe: z.string(),
  wstg: z.string(),
});

export const methodResult = z.strictObject({
  id: methodId,
  outcome: z.enum(['scored', 'inconclusive', 'invalid']),
  why: z.string().optional(),
  injectedAt: instant.nullable(),
  clearedAt: instant.nullable(),
  affectedRequests: z.number().int(),
  dose: z.record(z.string(), z.union([z.number(), z.string()])).optional(),
  timings: z.strictObject({ detectMs: spread, noticeMs: spread, recoverMs: spread }),
  /** Upstream calls seen by the fault proxy while the fault was on. */
  attempts: z.number().int(),
  leaks: z.array(leak),
  checks: z.array(checkResult),
  scores: z.strictObject({ detection: cell, management: cell, recovery: cell, ux: cell, security: cell }),
});

export const recommendation = z.strictObject({
  priority: z.union([z.literal(1), z.literal(2), z.literal(3)]),
  scenario: scenarioId,
  dimension,
  problem: z.string(),
  currentScore: z.number(),
  targetScore: z.number(),
  expectedGain: z.number(),
  solution: z.string(),
  steps: z.array(z.string()),
  validationTests: z.array(z.string()),
  successMetrics: z.array(z.string()),
  effortDays: z.number(),
  cost: z.number(),
});

export const simulationSchema = z.strictObject({
  schema: z.literal('rempart/simulation@1'),
  target: z.string(),
  pace: z.enum(['real', 'quick']),
  runs: z.number().int(),
  seed: z.number().int(),
  startedAt: instant,
  finishedAt: instant,
  responsible: z.string().nullable(),
  authorisation: z.string().nullable(),
  rubric: z.strictObject({ name: z.string(), sha256 }),
  evidence: z.strictObject({ file: z.string(), sha256 }),
  scenarios: z.array(
    z.strictObject({
      id: scenarioId,
      methods: z.array(methodResult),
      observations: z.array(
        z.strictObject({
          id: z.string(),
          value: z.union([z.string(), z.number()]),
          scale: z.string(),
          evidence: z.array(z.string()),
          /** Said by an operator and not measured. */
          stated: z.literal(true).optional(),
        }),
      ),
      scores: z.strictObject({ detection: cell, management: cell, recovery: cell, ux: cell, security: cell }),
      total: z.number().min(0).max(100).nullable(),
    }),
  ),
  score: z.number().min(0).max(600),
  assessable: z.number().min(0).max(600),
  percent: z.number(),
  percentOfAssessable: z.number().nullable(),
  level: z.enum(levels),
  provisional: z.boolean(),
  criticalScenario: scenarioId.nullable(),
  exposed: z.number().int(),
  selfHealed: z.number().int(),
  fmea: z.array(
    z.strictObject({
      scenario: scenarioId,
      mode: z.string(),
      effect: z.string(),
      severity: z.number().int(),
      occurrence: z.number().int(),
      detection: z.number().int(),
      rpn: z.number().int(),
    }),
  ),
  recommendations: z.array(recommendation),
  restored: z.boolean(),
  restoreProof: z.string(),
});

export type Simulation = z.output<typeof simulationSchema>;
export type MethodResult = z.output<typeof methodResult>;
export type CheckResult = z.output<typeof checkResult>;
export type Leak = z.output<typeof leak>;
export type Recommendation = z.output<typeof recommendation>;
