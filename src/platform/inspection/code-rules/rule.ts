// The shape of a code rule as its YAML file gives it, and of the weakness whose words it shares.
import { z } from 'zod';
import { confidences, severities } from '../../documents/analysis.ts';
import { languages } from '../ast/languages.ts';
import { origins } from './value.ts';

const pattern = z.string().refine(isPattern, 'is no regular expression');
const words = z.strictObject({ en: z.string().min(3), fr: z.string().min(3) });

export const valueSchema = z.strictObject({
  /** At least so far in the hands of outsiders. */
  from: z.enum(origins).optional(),
  /** Put together from literal text and something that is no constant. */
  built: z.boolean().optional(),
  /** Elements not glued together. */
  list: z.boolean().optional(),
  /** On the literal text of a value, also of the variable's. */
  literal: pattern.optional(),
  /** On the expression as written, or as the variable was assigned. */
  text: pattern.optional(),
  notText: pattern.optional(),
});

export const matchSchema = z.union([
  z.strictObject({
    /** On the whole name of the callee, members joined by dots. */
    call: pattern,
    /** By position from 0, by name, `any` or `last`. All must hold. */
    args: z.record(z.string(), valueSchema).optional(),
    /** Arguments (by name or as written) that make it harmless. */
    without: pattern.optional(),
    atLeast: z.int().optional(),
    atMost: z.int().optional(),
  }),
  z.strictObject({ assign: pattern, value: valueSchema, pair: z.boolean().optional() }),
  z.strictObject({ string: pattern, value: valueSchema }),
  z.strictObject({ text: pattern, not: pattern.optional(), raw: z.boolean().optional() }),
  z.strictObject({ ast: z.record(z.string(), z.unknown()) }),
]);

export const ruleSchema = z.strictObject({
  id: z.string().regex(/^[a-z0-9-]+(?:\.[a-z0-9-]+)+$/),
  weakness: z.string(),
  /** Where it differs from its folder. */
  languages: z.array(z.enum(languages)).optional(),
  cwe: z.array(z.string().regex(/^CWE-\d+$/)).optional(),
  severity: z.enum(severities).optional(),
  confidence: z.enum(confidences),
  /** Without one of these words in the text the rule is not tried. Empty: always. */
  keywords: z.array(z.string()),
  match: z.array(matchSchema).min(1),
  /** Matched on the function around, the whole fragment, or the lines of the match. */
  requires: z
    .strictObject({
      scope: pattern.optional(),
      /** On the function around, or the callback that stands for itself, without what is read from the environment. */
      purpose: pattern.optional(),
      text: pattern.optional(),
    })
    .optional(),
  unless: z.strictObject({ scope: pattern.optional(), text: pattern.optional(), line: pattern.optional() }).optional(),
  title: words.optional(),
  fix: words.optional(),
  examples: z.strictObject({ bad: z.array(z.string()).min(1), good: z.array(z.string()).min(1) }),
});
export type RuleFile = z.infer<typeof ruleSchema>;
export type MatchFile = z.infer<typeof matchSchema>;

export const weaknessSchema = z.strictObject({
  cwe: z.array(z.string().regex(/^CWE-\d+$/)).min(1),
  owasp: z.array(z.string().regex(/^(?:A\d\d|API\d+|LLM\d\d|K\d\d|M\d+):20\d\d$/)),
  severity: z.enum(severities),
  /** Which sanitisers count: a name in flows.yaml. */
  flow: z.string().optional(),
  title: words,
  explanation: words,
  exploitation: words,
  fix: words,
});
export type Weakness = z.infer<typeof weaknessSchema>;

export const flowsSchema = z.strictObject({
  /** By lexical family: what reads from outside. */
  sources: z.record(z.string(), pattern),
  /** By lexical family: what comes from whoever started the program. */
  local: z.record(z.string(), pattern),
  /** Flows in which that is no source. */
  theirOwn: z.array(z.string()),
  sanitizers: z.record(z.string(), pattern),
});

function isPattern(source: string): boolean {
  try {
    new RegExp(source);
    return true;
  } catch {
    return false;
  }
}
