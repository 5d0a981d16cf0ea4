// The documents of `rempart jobs --json`: one job, a list, what was added, what was cancelled, what a node has done.
import { z } from 'zod';

const instant = z.iso.datetime();
const count = z.int().min(0);

const job = {
  id: z.string(),
  state: z.enum(['waiting', 'running', 'done', 'failed', 'cancelled']),
  /** Absolute; every node reads it there. */
  path: z.string(),
  contentHash: z.string(),
  formats: z.array(z.enum(['md', 'html', 'json', 'sarif', 'junit'])),
  lang: z.enum(['en', 'fr']),
  /** The program's version and the rules' hash. */
  engine: z.string(),
  attempts: count,
  createdAt: instant,
  endedAt: instant.nullable(),
  /** Null unless it runs. */
  lease: z.strictObject({ node: z.string(), heartbeatAt: instant, until: instant }).nullable(),
  /** The error's code, where it has failed. */
  code: z.string().nullable(),
  /** The folder of its report. */
  report: z.string().nullable(),
  statistics: z
    .strictObject({
      conversations: count,
      ok: count,
      errors: count,
      /** Taken from an attempt that was cut short. */
      known: count,
      open: z.strictObject({ critical: count, high: count, medium: count, low: count, info: count }),
    })
    .nullable(),
};

export const jobSchema = z.strictObject({ schema: z.literal('rempart/job@1'), ...job });
export const jobsSchema = z.strictObject({ schema: z.literal('rempart/jobs@1'), jobs: z.array(z.strictObject(job)) });
export const jobsAddedSchema = z.strictObject({
  schema: z.literal('rempart/jobs-added@1'),
  /** `added` is false where the same job waits, runs or is done already. */
  jobs: z.array(z.strictObject({ added: z.boolean(), ...job })),
});
export const jobCancellationSchema = z.strictObject({
  schema: z.literal('rempart/job-cancellation@1'),
  id: z.string(),
});
export const jobsWorkSchema = z.strictObject({
  schema: z.literal('rempart/jobs-work@1'),
  node: z.string(),
  /** Ids of jobs. */
  done: z.array(z.string()),
  failed: z.array(z.string()),
});
