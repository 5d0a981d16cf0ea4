// The part of the configuration that says what is answered when no provider can.
import { z } from 'zod';

export const localAnswersSchema = z.strictObject({
  /** Earlier answers: none, those to the same user, or those to whoever asked the same. */
  cache: z.enum(['off', 'subject', 'shared']).default('subject'),
  cacheMinutes: z.number().int().min(1).max(43_200).default(1_440),
  cacheMegabytes: z.number().int().min(1).max(4_096).default(8),
  /** Else: the error alone, the error with whom to turn to, or the same words as an ordinary answer. */
  static: z.enum(['off', 'error', 'answer']).default('error'),
  /** Whom users can turn to; default: the chatbot's contact. */
  contact: z.string().max(200).default(''),
});

export type LocalAnswersSettings = z.output<typeof localAnswersSchema>;
