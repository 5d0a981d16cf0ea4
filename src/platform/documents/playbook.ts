// The documents of playbooks: which there are (rempart/playbooks@1), what one would do (playbook-plan@1), how a run stands (playbook-run@1).
import { z } from 'zod';

const instant = z.iso.datetime();
const name = z.string();

/** `free`: it changes nothing and needs no permission. `on`, `off`: as respond.actions.enabled says. `missing`: there is no such action here. */
export const actionStates = ['free', 'on', 'off', 'missing'] as const;

const problem = z.strictObject({
  severity: z.enum(['error', 'warning']),
  at: z.string(),
  rule: z.string(),
  facts: z.record(z.string(), z.union([z.string(), z.number()])),
});

export const listedPlaybookSchema = z.strictObject({
  /** Its file's name without the ending. */
  name,
  id: z.string(),
  title: z.string(),
  description: z.string(),
  version: instant,
  types: z.array(z.string()),
  shipped: z.boolean(),
  file: z.string(),
  steps: z.int(),
  actions: z.array(z.strictObject({ name, state: z.enum(actionStates) })),
});

export const playbooksSchema = z.strictObject({
  schema: z.literal('rempart/playbooks@1'),
  playbooks: z.array(listedPlaybookSchema),
  /** Files of the user's that cannot be run. */
  refused: z.array(z.strictObject({ file: z.string(), code: z.string().nullable(), problems: z.array(problem) })),
});

const effect = z.strictObject({
  target: z.string(),
  change: z.string(),
  from: z.string().optional(),
  to: z.string().optional(),
});

export const playbookPlanSchema = z.strictObject({
  schema: z.literal('rempart/playbook-plan@1'),
  playbook: z.strictObject({ name, id: z.string(), version: instant, hash: z.string() }),
  steps: z.array(
    z.strictObject({
      /** Place in the run; `true`, `false` or a case's name in it says which way it stands on. */
      key: z.string(),
      step: z.string(),
      action: z.string(),
      effects: z.array(effect),
      reversible: z.boolean(),
      /** People are asked before it. */
      approval: z.boolean(),
      /** What an approval is bound to; empty when it could not be planned. */
      planHash: z.string(),
      /** Code of why it would not be done; the playbook then goes on by its on_failure. */
      refusal: z.string().nullable(),
      /** Milliseconds until it is undone by itself. */
      undoAfter: z.int().nullable(),
      /** Undone when the run fails. */
      compensate: z.boolean(),
    }),
  ),
  /** Keys of the steps that undoing the run would put back, in that order. */
  undo: z.array(z.string()),
  end: z.strictObject({ state: z.enum(['done', 'failed']), code: z.string().nullable() }),
});

export const playbookRunSchema = z.strictObject({
  schema: z.literal('rempart/playbook-run@1'),
  run: z.string(),
  playbook: z.string(),
  incident: z.string().nullable(),
  state: z.enum(['waiting', 'running', 'done', 'failed', 'cancelled']),
  /** Of what ended it. */
  code: z.string().nullable(),
  requestedBy: z.string(),
  createdAt: instant,
  endedAt: instant.nullable(),
  steps: z.array(
    z.strictObject({
      key: z.string(),
      step: z.string(),
      action: z.string(),
      state: z.enum(['begun', 'done', 'failed', 'undone']),
      code: z.string().nullable(),
    }),
  ),
  /** Questions that people have not answered yet. */
  questions: z.array(
    z.strictObject({
      task: z.string(),
      kind: z.enum(['approval', 'manual', 'unknown']),
      step: z.string(),
      about: z.record(z.string(), z.unknown()),
      planHash: z.string().nullable(),
    }),
  ),
});

export type PlaybooksDocument = z.output<typeof playbooksSchema>;
export type ListedPlaybook = z.output<typeof listedPlaybookSchema>;
export type PlaybookPlanDocument = z.output<typeof playbookPlanSchema>;
export type PlaybookRunDocument = z.output<typeof playbookRunSchema>;
