// The lines of evidence.jsonl: timed facts on one monotonic clock, taken at the simulator's own sockets and never told by the target.
import { z } from 'zod';

/** Milliseconds since the run began, on the machine's monotonic clock (shared by runner and keeper). */
const t = z.number();
const id = z.string();
const phase = z.enum(['baseline', 'fault', 'recovery', 'after']);
export type Phase = z.output<typeof phase>;

const canary = z.strictObject({
  name: z.string(),
  kind: z.enum(['key', 'host', 'path', 'secret', 'prompt']),
  value: z.string(),
});
export type Canary = z.output<typeof canary>;

const base = { id, t };
const lines = z.discriminatedUnion('kind', [
  z.strictObject({
    ...base,
    kind: z.literal('run-begin'),
    target: z.string(),
    /** Of the target's users, and of the report. */
    language: z.enum(['fr', 'en']),
    lang: z.enum(['fr', 'en']),
    pace: z.enum(['real', 'quick']),
    runs: z.number().int(),
    seed: z.number().int(),
    startedAt: z.string(),
    responsible: z.string().nullable(),
    authorisation: z.string().nullable(),
    /** What a day of work costs, for the recommendations; the usual rate when it was not given. */
    dayRate: z.number().positive().optional(),
    scenarios: z.array(z.string()),
    rubric: z.strictObject({ name: z.string(), sha256: z.string() }),
    /** What the profile offers, so that a check asks only for what was promised. */
    promises: z.record(z.string(), z.boolean()),
  }),
  /** What an operator says to have seen: shown as stated, never measured, never scored. */
  z.strictObject({
    ...base,
    kind: z.literal('stated'),
    scenario: z.string(),
    observation: z.string(),
    value: z.union([z.string(), z.number()]),
    scale: z.string().nullable(),
  }),
  /** A procedure that the profile names, as it was written when the run began; null when the file is not there. */
  z.strictObject({
    ...base,
    kind: z.literal('procedure'),
    scenario: z.string(),
    text: z.string().nullable(),
  }),
  z.strictObject({
    ...base,
    kind: z.literal('method-begin'),
    scenario: z.string(),
    method: z.string(),
    run: z.number().int(),
    at: z.string(),
    canaries: z.array(canary),
  }),
  z.strictObject({ ...base, kind: z.literal('inconclusive'), why: z.string() }),
  z.strictObject({ ...base, kind: z.literal('invalid'), why: z.string() }),
  z.strictObject({
    ...base,
    kind: z.literal('ask'),
    phase,
    user: z.string(),
    identity: z.string(),
    conversation: z.string(),
    marker: z.string(),
    endT: t,
    /** null: no answer at all; then `error` says what happened to the connection. */
    status: z.number().int().nullable(),
    headers: z.record(z.string(), z.string()),
    body: z.string(),
    /** What the profile's pointer found; null when there is none. */
    answer: z.string().nullable(),
    /** Whether a streamed answer ended as its format says it should. */
    ended: z.boolean(),
    error: z.string().nullable(),
  }),
  z.strictObject({
    ...base,
    kind: z.literal('upstream'),
    endT: t,
    /** The last marker in the body: earlier ones are history. */
    marker: z.string().nullable(),
    key: z.enum(['primary', 'spare', 'other', 'none']),
    stream: z.boolean(),
    /** The fault that touched this call; null when it was relayed untouched. */
    fault: z.string().nullable(),
    status: z.number().int().nullable(),
    outcome: z.enum(['passed', 'faulted', 'aborted']),
    /** What share of its quota this call's answer told to be used up. */
    quotaUsed: z.number().optional(),
  }),
  z.strictObject({
    ...base,
    kind: z.literal('health'),
    phase,
    status: z.number().int().nullable(),
    body: z.string(),
    error: z.string().nullable(),
  }),
  z.strictObject({ ...base, kind: z.literal('alert'), body: z.string() }),
  /** The machine was not calm: what the health page showed until now is no baseline. */
  z.strictObject({ ...base, kind: z.literal('baseline-again') }),
  /** How busy the machine was by itself, before and after a load fault: the share of its processors' time. */
  z.strictObject({ ...base, kind: z.literal('machine'), busy: z.number() }),
  /** So many users asked at the same time, after everything else was measured. */
  z.strictObject({
    ...base,
    kind: z.literal('load-step'),
    endT: t,
    users: z.number().int(),
    asked: z.number().int(),
    answered: z.number().int(),
    medianMs: z.number(),
  }),
  z.strictObject({
    ...base,
    kind: z.literal('fault'),
    action: z.enum(['injected', 'cleared']),
    name: z.string(),
    at: z.string(),
    proof: z.string(),
    proved: z.boolean(),
  }),
  z.strictObject({ ...base, kind: z.literal('dose'), values: z.record(z.string(), z.union([z.number(), z.string()])) }),
  z.strictObject({
    ...base,
    kind: z.literal('process'),
    /** restarted: to help it back. reconfigured: a part of the method, which no target answers for. */
    state: z.enum(['started', 'exited', 'restarted', 'reconfigured', 'stopped']),
    detail: z.string(),
  }),
  z.strictObject({
    ...base,
    kind: z.literal('history'),
    conversation: z.string(),
    status: z.number().int().nullable(),
    body: z.string(),
  }),
  z.strictObject({
    ...base,
    kind: z.literal('function'),
    phase,
    name: z.enum(['history', 'settings', 'login', 'incidents']),
    status: z.number().int().nullable(),
    body: z.string(),
    works: z.boolean(),
  }),
  /** How much a log held when the baseline ended. */
  z.strictObject({ ...base, kind: z.literal('log-mark'), channel: z.string(), length: z.number().int() }),
  /** Everything the target wrote to one of its logs during the method, from byte 0 of this method. */
  z.strictObject({
    ...base,
    kind: z.literal('log'),
    channel: z.string(),
    baselineLength: z.number().int(),
    text: z.string(),
  }),
  /** Canaries found in bytes that are too many to keep (database files). */
  z.strictObject({
    ...base,
    kind: z.literal('scan'),
    channel: z.string(),
    found: z.array(z.strictObject({ name: z.string(), offset: z.number().int() })),
  }),
  z.strictObject({ ...base, kind: z.literal('method-end') }),
  /** The target failed too often while nothing was broken: the methods left were not begun. */
  z.strictObject({ ...base, kind: z.literal('stopped'), asked: z.number().int(), failed: z.number().int() }),
  z.strictObject({
    ...base,
    kind: z.literal('run-end'),
    finishedAt: z.string(),
    restored: z.boolean(),
    restoreProof: z.string(),
  }),
]);

export const evidenceLine = lines;
export type Evidence = z.output<typeof lines>;
export type EvidenceOf<K extends Evidence['kind']> = Extract<Evidence, { kind: K }>;
type WithoutId<T> = T extends Evidence ? Omit<T, 'id'> : never;
/** A fact before it has its number. */
export type Fact = WithoutId<Evidence>;
