// The escalation matrix as data: who must know by when and what is expected of them, from `rules/escalation.yaml`.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { RempartError } from '../../platform/base/errors.ts';
import { fileIssue, schemaIssue } from '../../platform/base/schema-issue.ts';
import { type EscalationLevel, escalationLevels } from '../../platform/documents/incident.ts';

const shipped = join(import.meta.dirname, '..', '..', '..', 'rules', 'escalation.yaml');
const minutes = z.number().positive().max(525_600);
const inBoth = z.strictObject({ en: z.string().min(1), fr: z.string().min(1) });

const levelSchema = z.strictObject({
  level: z.enum(escalationLevels),
  acknowledgeWithin: minutes,
  repeatEvery: minutes,
  roles: z.array(z.enum(['devops', 'ai-lead', 'infrastructure', 'security', 'management'])).min(1),
  who: inBoth,
  expected: z.strictObject({ en: z.array(z.string().min(1)).min(1), fr: z.array(z.string().min(1)).min(1) }),
});

const matrixSchema = z.strictObject({
  levels: z
    .array(levelSchema)
    .refine((levels) => levels.map(({ level }) => level).join() === escalationLevels.join(), 'escalation.issue.levels'),
  postMortem: z.strictObject({ within: minutes, remindEvery: minutes }),
});

export type MatrixLevel = z.output<typeof levelSchema>;

export interface Matrix {
  levels: readonly MatrixLevel[];
  postMortem: { within: number; remindEvery: number };
  of(level: EscalationLevel): MatrixLevel;
  /** Null at the top. */
  above(level: EscalationLevel): EscalationLevel | null;
}

/** Throws ERR_ESCALATION_INVALID: who must be told is never guessed. */
export function loadMatrix(file = shipped): Matrix {
  let raw: unknown;
  try {
    raw = parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new RempartError('ERR_ESCALATION_INVALID', { file, path: '–', what: fileIssue(error) }, error);
  }
  const read = matrixSchema.safeParse(raw);
  if (!read.success) {
    const issue = schemaIssue(read.error, matrixSchema, raw);
    const what =
      issue.kind === 'invalid'
        ? issue.what
        : ({ key: 'issue.unknown-key', facts: { key: issue.key, nearest: issue.nearest } } as const);
    throw new RempartError('ERR_ESCALATION_INVALID', { file, path: issue.path, what });
  }
  const { levels, postMortem } = read.data;
  return {
    levels,
    postMortem,
    of: (level) => levels[escalationLevels.indexOf(level)]!,
    above: (level) => escalationLevels[escalationLevels.indexOf(level) + 1] ?? null,
  };
}

/** Whether the first level is as high as the second, or higher. */
export function reaches(level: EscalationLevel, other: EscalationLevel): boolean {
  return escalationLevels.indexOf(level) >= escalationLevels.indexOf(other);
}
