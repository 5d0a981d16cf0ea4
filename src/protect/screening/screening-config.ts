// The section `screening` of the configuration: what is done about what is found, and from which score.
import { z } from 'zod';
import { share } from '../../platform/base/config-fields.ts';

const action = z.enum(['block', 'mask', 'flag', 'pass']);
type ActionName = z.output<typeof action>;
/** Attacks come from users and tools; what an operator or the model itself said is told, not stopped. */
const byRole = (user: ActionName, tool: ActionName, assistant: ActionName, system: ActionName) =>
  z
    .strictObject({
      user: action.default(user),
      tool: action.default(tool),
      assistant: action.default(assistant),
      system: action.default(system),
    })
    .prefault({});

/** What is done about what screening finds. */
export const screeningSchema = z.strictObject({
  prompts: z
    .strictObject({
      injection: byRole('block', 'block', 'flag', 'flag'),
      jailbreak: byRole('block', 'block', 'flag', 'flag'),
      'code-execution': byRole('block', 'block', 'flag', 'flag'),
      secret: byRole('flag', 'flag', 'flag', 'flag'),
      'personal-data': byRole('pass', 'pass', 'pass', 'pass'),
    })
    .prefault({}),
  answers: z
    .strictObject({
      secret: action.default('mask'),
      'personal-data': action.default('mask'),
      internal: action.default('flag'),
      'system-prompt': action.default('block'),
    })
    .prefault({}),
  whenUnscreened: z.enum(['refuse', 'forward']).default('refuse'),
  /** Score from which a text is suspicious, by the role that speaks it; 0.5 where nothing is given. */
  thresholds: z.partialRecord(z.enum(['user', 'system', 'assistant', 'tool']), share).default({}),
  behaviour: z
    .strictObject({
      mode: z.enum(['off', 'watch', 'enforce']).default('watch'),
      /** Requests of this deployment before any is judged. */
      warmAfter: z.number().int().min(50).max(1_000_000).default(300),
      /** And minutes from the first to the last of them. */
      warmAfterMinutes: z.number().int().min(0).max(100_000).default(60),
      watchAbove: share.default(0.5),
      flagAbove: share.default(0.7),
      watchedPerMinute: z.number().int().min(1).default(20),
    })
    .prefault({}),
  /** Roles of callers whose system messages are taken for the operator's own. */
  operatorRoles: z.array(z.enum(['user', 'viewer', 'operator', 'admin'])).default(['operator', 'admin']),
  /** How long who tried to have code run is shut out; 0 for not at all. */
  quarantine: z
    .strictObject({
      minutes: z.number().int().min(0).max(10_080).default(15),
      keyAttempts: z.number().int().min(1).default(3),
      /** Score from which an attempt counts against a key. */
      sureScore: share.default(0.8),
    })
    .prefault({}),
});
