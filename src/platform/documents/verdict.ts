// The document rempart/verdict@1: what screening concluded about one text; `rempart screen` writes one a line, without `schema`.
import { z } from 'zod';

export const verdictSchema = z.strictObject({
  schema: z.literal('rempart/verdict@1').optional(),
  /** What the gateway acts on at its default setting; unscreened is never clean. */
  kind: z.enum(['clean', 'suspicious', 'unscreened']),
  category: z
    .enum([
      'injection',
      'jailbreak',
      'code-execution',
      'secret',
      'personal-data',
      'internal',
      'system-prompt',
      'anomaly',
    ])
    .nullable(),
  /** 0.5 and above is suspicious at the default setting; 0 where nothing could be screened. */
  score: z.number().min(0).max(1),
  rules: z.array(z.string()),
  /** Ids of the OWASP Top 10 for LLM Applications, with their year. */
  owasp: z.array(z.string().regex(/^LLM\d\d:\d{4}$/)),
  /** Ids of MITRE ATLAS techniques. */
  atlas: z.array(z.string().regex(/^AML\.T\d{4}(?:\.\d{3})?$/)),
  role: z.enum(['user', 'system', 'assistant', 'tool']).nullable(),
  /** Only with `unscreened`: why. */
  error: z.strictObject({ code: z.string(), message: z.string() }).optional(),
  /** Only with --explain: what spoke for and against, and whether the text itself said it or what was decoded from it. */
  explain: z
    .strictObject({
      found: z.enum(['text', 'decoded']).nullable(),
      reasons: z.array(z.strictObject({ feature: z.string(), weight: z.number() })),
    })
    .optional(),
});
export type VerdictDocument = z.infer<typeof verdictSchema>;
