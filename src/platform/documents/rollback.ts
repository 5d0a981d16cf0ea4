// The documents rempart/rollback@1 and rempart/backups@1: what a rollback did or would do, and which backups there are.
import { z } from 'zod';

const instant = z.iso.datetime();
const skipped = z.array(z.strictObject({ backup: z.string(), why: z.string() }));

export const rollbackStepSchema = z.strictObject({
  step: z.enum(['stop', 'evidence', 'source', 'restore', 'validate', 'check', 'start', 'heighten']),
  /** A service, a state, `source`, or what is checked. */
  target: z.string(),
  state: z.enum(['planned', 'running', 'done', 'failed', 'unavailable', 'skipped']),
  from: z.string().nullable(),
  to: z.string().nullable(),
  /** Of the error catalogue. */
  code: z.string().nullable(),
  /** Why a state is not fit, or what the error is about. */
  why: z.string().nullable(),
  /** It belongs to taking the rollback back. */
  undo: z.boolean(),
});
export type RollbackStep = z.output<typeof rollbackStepSchema>;

const change = z.strictObject({ change: z.enum(['add', 'remove', 'modify']), path: z.string() });

const stateSchema = z.strictObject({
  state: z.string(),
  format: z.string(),
  /** What is wrong with it before; null when nothing is. */
  was: z.string().nullable(),
  decision: z.enum(['backup', 'minimal', 'none']),
  backup: z.string().nullable(),
  takenAt: instant.nullable(),
  /** Backups that were passed over, newest first. */
  skipped,
  /** What differs, by the places in it; only foretold. */
  changes: z.array(change),
  /** Further ones that are not listed. */
  moreChanges: z.int().min(0),
});

export const rollbackSchema = z.strictObject({
  schema: z.literal('rempart/rollback@1'),
  /** Null for one that is only foretold. */
  run: z.string().nullable(),
  kind: z.enum(['state', 'system']),
  target: z.string(),
  dryRun: z.boolean(),
  state: z.enum(['planned', 'running', 'done', 'failed', 'incomplete', 'undone']),
  by: z.string(),
  startedAt: instant,
  endedAt: instant.nullable(),
  steps: z.array(rollbackStepSchema),
  states: z.array(stateSchema),
  source: z
    .strictObject({
      root: z.string(),
      from: z.string(),
      to: z.string(),
      branch: z.string().nullable(),
      changes: z.array(change),
      moreChanges: z.int().min(0),
    })
    .nullable(),
  /** What `rollback undo` would do, in its order. */
  undo: z.array(z.strictObject({ step: z.string(), target: z.string() })),
});
export type RollbackDocument = z.output<typeof rollbackSchema>;

export const backupsSchema = z.strictObject({
  schema: z.literal('rempart/backups@1'),
  at: instant,
  states: z.array(
    z.strictObject({
      state: z.string(),
      format: z.string(),
      path: z.string(),
      /** What is wrong with the state itself; null when nothing is. */
      problem: z.string().nullable(),
      /** Only after `rollback backup`. */
      taken: z.strictObject({ backup: z.string().nullable(), why: z.string().nullable() }).nullable(),
      /** Newest first. */
      backups: z.array(
        z.strictObject({
          backup: z.string(),
          takenAt: instant.nullable(),
          bytes: z.int().min(0).nullable(),
          cause: z.string().nullable(),
          valid: z.boolean(),
          why: z.string().nullable(),
        }),
      ),
    }),
  ),
  /** Rollbacks, newest first. */
  runs: z.array(
    z.strictObject({
      run: z.string(),
      kind: z.enum(['state', 'system']),
      target: z.string(),
      state: z.string(),
      startedAt: instant,
    }),
  ),
});
export type BackupsDocument = z.output<typeof backupsSchema>;
