// The sections `retention` and `privacy` of the configuration: how long what people wrote is kept, and whether the journal knows their names.
import { z } from 'zod';

const dayMs = 86_400_000;
const units: Readonly<Record<string, number>> = {
  h: 3_600_000,
  hour: 3_600_000,
  hours: 3_600_000,
  d: dayMs,
  day: dayMs,
  days: dayMs,
  j: dayMs,
  jour: dayMs,
  jours: dayMs,
};
/** A period above it is a mistake, or no period. */
const longestMs = 3_660 * dayMs;

/** `90 days`, `90d`, `36h`; undefined for anything else. */
export function periodMs(given: string): number | undefined {
  const [, count = '', unit = ''] = /^(\d{1,5}) ?([a-z]+)$/.exec(given) ?? [];
  const ms = Number(count) * (units[unit] ?? Number.NaN);
  return ms > 0 && ms <= longestMs ? ms : undefined;
}

/** Kept for good where nothing is said: Rempart deletes nothing that it was not told to. */
const period = z
  .string()
  .refine((given) => given === 'forever' || periodMs(given) !== undefined, 'privacy.issue.period')
  .default('forever');

export const retentionSchema = z.strictObject({
  /** From a conversation's last message on. */
  conversations: period,
  /** Copies of journal records that `journal search` reads. */
  searchIndex: period,
});

export const privacySchema = z.strictObject({
  /** pseudonyms: the journal and its sinks know subjects by an HMAC of their name. names: by the name itself. */
  journal: z.enum(['pseudonyms', 'names']).default('pseudonyms'),
});

export type RetentionSettings = z.output<typeof retentionSchema>;
export type PrivacySettings = z.output<typeof privacySchema>;
