// What the analysis knows beside code rules: topics, good practices and advice, read once from rules/ and compiled.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { parsedFile } from '../../platform/base/parsed-files.ts';
import { domains, severities } from '../../platform/documents/analysis.ts';
import { familyOf } from './cwe-family.ts';
import { createPatternCollector, type IndexedPattern, type PatternIndex } from './pattern-index.ts';

const root = join(import.meta.dirname, '..', '..', '..', 'rules');
const cwe = z.array(z.string().regex(/^CWE-\d+$/));
const id = z.string().regex(/^[a-z0-9-]+$/);
const patterns = z.array(z.string().min(2));

/** Sentences that are and are not about it; the tests say them. */
const examples = z.strictObject({ yes: patterns, no: patterns });

const topicText = z.strictObject({
  title: z.string(),
  explanation: z.string(),
  exploitation: z.string(),
  fix: z.string(),
});
const topicSchema = z.strictObject({
  id,
  domain: z.enum(domains),
  cwe,
  owasp: z.array(z.string()),
  severity: z.enum(severities),
  /** Naming it in prose makes it `mentioned`. Patterns meet folded text (lower case, no accents). */
  said: patterns,
  /** `when` is said or written, `alongside` is said somewhere, and nothing names the topic: the weakness is `potential`. */
  potential: z
    .strictObject({ when: patterns, needs: z.array(id).optional(), alongside: patterns.optional() })
    .optional(),
  /** Only, or never, in a conversation that concerns this domain. */
  onlyIn: z.array(z.enum(domains)).optional(),
  notIn: z.array(z.enum(domains)).optional(),
  /** The general topic gives way to the exact one. */
  unlessTopic: z.array(id).optional(),
  mitigatedBy: z.array(id),
  examples,
  en: topicText,
  fr: topicText,
});
const practiceText = z.strictObject({ title: z.string(), benefit: z.string(), caveat: z.string() });
const practiceSchema = z.strictObject({
  id,
  domain: z.enum(domains),
  /** Domains that it serves beside its own. */
  also: z.array(z.enum(domains)).optional(),
  mitigates: cwe,
  said: patterns,
  /** Meets code as written, by line. */
  code: patterns,
  /** Good engineering that secures little by itself. */
  minor: z.boolean().optional(),
  examples,
  en: practiceText,
  fr: practiceText,
});
const adviceText = z.strictObject({ title: z.string(), why: z.string(), how: z.string() });
const adviceSchema = z.strictObject({
  id,
  domain: z.enum(domains),
  unless: z.array(id),
  /** Given only when a finding of these classes is there. */
  whenFinding: cwe.optional(),
  /** Given only when a finding of a rule that begins so is open. */
  whenRule: z.string().optional(),
  /** Given only when one of these practices was seen. */
  whenPractice: z.array(id).optional(),
  /** Given in every conversation about code or security. */
  always: z.boolean().optional(),
  tools: z.array(z.string()),
  en: adviceText,
  fr: adviceText,
});

/** Prose patterns meet folded prose, code patterns the code as written. */
export type Topic = z.infer<typeof topicSchema> & {
  /** Of its classes. */
  families: readonly string[];
  saidPattern: IndexedPattern | null;
  whenPattern: IndexedPattern | null;
  whenInCode: IndexedPattern | null;
  alongsidePattern: IndexedPattern | null;
};
export type Practice = z.infer<typeof practiceSchema> & {
  /** Of the classes that it mitigates. */
  families: ReadonlySet<string>;
  saidPattern: IndexedPattern | null;
  codePattern: IndexedPattern | null;
};
export type AdviceRule = z.infer<typeof adviceSchema>;
export interface Knowledge {
  topics: readonly Topic[];
  practices: readonly Practice[];
  advice: readonly AdviceRule[];
  /** Which prose patterns, and which code patterns, are worth trying on a text. */
  prose: PatternIndex;
  code: PatternIndex;
  count: number;
  /** SHA-256 over the files, in the order of their names. */
  hash: string;
}

let known: Knowledge | undefined;

/** Throws when a rule file is malformed: rules are part of the program. */
export function knowledge(): Knowledge {
  known ??= load();
  return known;
}

function load(): Knowledge {
  const hash = createHash('sha256');
  const prose = createPatternCollector();
  const code = createPatternCollector();
  const topics = read('topics', topicSchema, hash).map((topic) => ({
    ...topic,
    families: [...new Set(topic.cwe.map(familyOf))],
    saidPattern: prose.add(topic.said, 'g'),
    whenPattern: prose.add(topic.potential?.when ?? [], 'g'),
    whenInCode: code.add(topic.potential?.when ?? [], 'i'),
    alongsidePattern: prose.add(topic.potential?.alongside ?? [], 'g'),
  }));
  const practices = read('practices', practiceSchema, hash).map((practice) => ({
    ...practice,
    families: new Set(practice.mitigates.map(familyOf)),
    saidPattern: prose.add(practice.said, 'g'),
    codePattern: code.add(practice.code, 'gm'),
  }));
  const advice = read('advice', adviceSchema, hash);
  const count = topics.length + practices.length + advice.length;
  return { topics, practices, advice, prose: prose.index(), code: code.index(), count, hash: hash.digest('hex') };
}

function read<T>(folder: string, schema: z.ZodType<T>, hash: { update(text: string): unknown }): T[] {
  return readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.yaml'))
    .sort()
    .flatMap((name) => {
      const path = join(root, folder, name);
      const text = readFileSync(path, 'utf8');
      hash.update(`${folder}/${name}\n${text}`);
      return z.array(schema).parse(parsedFile(path, text));
    });
}
