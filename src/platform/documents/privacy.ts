// The documents of `rempart privacy`: what is kept of a person, what was erased and what remains, what is due for erasure.
import { z } from 'zod';

const instant = z.iso.datetime();

export const privacyExportSchema = z.strictObject({
  schema: z.literal('rempart/privacy-export@1'),
  subject: z.string(),
  /** By which the journal knows the subject. */
  pseudonym: z.string(),
  exportedAt: instant,
  conversations: z.array(
    z.strictObject({
      id: z.string(),
      startedAt: instant,
      lastAt: instant,
      messages: z.array(
        z.strictObject({ role: z.enum(['user', 'assistant']), text: z.string(), at: instant, complete: z.boolean() }),
      ),
    }),
  ),
  settings: z.record(z.string(), z.string()),
  keys: z.array(
    z.strictObject({
      id: z.string(),
      role: z.string(),
      createdAt: instant,
      expiresAt: instant.nullable(),
      revokedAt: instant.nullable(),
    }),
  ),
  /** What other parts keep, by their names. */
  others: z.record(z.string(), z.json()),
  /** With --journal: the records about the subject, as the journal has them. */
  journal: z.array(z.record(z.string(), z.json())).optional(),
});
export type PrivacyExport = z.output<typeof privacyExportSchema>;

export const remainingKinds = [
  'journal',
  'journal-names',
  'sinks',
  'providers',
  'keys',
  'configured-key',
  'incidents',
  'backups',
  'database-pages',
] as const;

const remaining = z.strictObject({ what: z.enum(remainingKinds), about: z.array(z.string()) });
export type Remaining = z.output<typeof remaining>;

export const erasureSchema = z.strictObject({
  schema: z.literal('rempart/erasure@1'),
  at: instant,
  pseudonym: z.string(),
  /** The one that was meant; null: all of the subject. */
  conversation: z.string().nullable(),
  /** False: it was only counted. */
  erased: z.boolean(),
  counts: z.record(z.string(), z.number().int().min(0)),
  /** What this cannot reach, for those who can. */
  remains: z.array(remaining),
});
export type ErasureDocument = z.output<typeof erasureSchema>;

export const retentionDocumentSchema = z.strictObject({
  schema: z.literal('rempart/retention@1'),
  at: instant,
  /** False: nothing was erased now. */
  applied: z.boolean(),
  periods: z.array(
    z.strictObject({
      of: z.enum(['conversations', 'searchIndex']),
      /** As configured; `forever` where there is none. */
      period: z.string(),
      before: instant.nullable(),
      /** Erased now, or due; null: it could not be reached. */
      count: z.number().int().min(0).nullable(),
    }),
  ),
});
export type RetentionDocument = z.output<typeof retentionDocumentSchema>;
