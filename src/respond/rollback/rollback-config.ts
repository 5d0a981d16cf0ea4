// What the configuration says of backups: how often they are taken, how many stay, how large they may be.
import { z } from 'zod';

export const rollbackSchema = z.strictObject({
  /** Minutes between two backups of every state; 0 for none on schedule. */
  everyMinutes: z.number().min(0).max(10_080).default(60),
  /** The newest so many stay. */
  keep: z.int().min(1).max(1_000).default(10),
  /** And one of each of the last so many days. */
  keepDays: z.int().min(0).max(366).default(8),
  /** Older ones are not restored. */
  maxAgeDays: z.number().positive().max(366).default(7),
  /** Of one state. */
  maxMegabytes: z.number().positive().max(1_000_000).default(1_024),
  maxFiles: z.int().min(1).max(1_000_000).default(10_000),
});
export type RollbackConfig = z.output<typeof rollbackSchema>;
