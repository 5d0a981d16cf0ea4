// The rules on compose files and Dockerfiles, read from rules/containers/*.yaml and checked once.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { parsedFile } from '../../base/parsed-files.ts';

export const containerSeverities = ['critical', 'high', 'medium', 'low', 'info'] as const;
export type ContainerSeverity = (typeof containerSeverities)[number];

const pattern = z.string().refine((text) => {
  try {
    new RegExp(text, 'i');
    return true;
  } catch {
    return false;
  }
});

const check = z.discriminatedUnion('kind', [
  /** The scalar at `setting` matches. */
  z.strictObject({ kind: z.literal('value'), setting: z.string(), is: pattern }),
  z.strictObject({ kind: z.literal('any-value'), settings: z.array(z.string()), is: pattern }),
  /** The scalar at `setting` is missing or does not match. */
  z.strictObject({ kind: z.literal('unless'), setting: z.string(), is: pattern }),
  /** None of the settings holds a limit. */
  z.strictObject({ kind: z.literal('absent'), settings: z.array(z.string()) }),
  /** Each item of the list that matches. */
  z.strictObject({ kind: z.literal('item'), setting: z.string(), is: pattern }),
  /** No item of the list matches; `instead` is one that says the contrary. */
  z.strictObject({ kind: z.literal('needs-item'), setting: z.string(), is: pattern, instead: pattern.optional() }),
  /** An instruction of a Dockerfile whose text matches. */
  z.strictObject({ kind: z.literal('instruction'), name: pattern, is: pattern, unless: pattern.optional() }),
  /** What a pattern cannot say: a function of that name. */
  z.strictObject({ kind: z.literal('code'), name: z.string() }),
]);

const fix = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('set'), setting: z.string(), to: z.string() }),
  z.strictObject({ kind: z.literal('add'), setting: z.string(), item: z.string() }),
  z.strictObject({ kind: z.literal('remove') }),
  z.strictObject({ kind: z.literal('bind-port') }),
  z.strictObject({ kind: z.literal('append'), text: z.string() }),
]);

const text = z.strictObject({ message: z.string(), why: z.string(), fix: z.string() });

const rule = z.strictObject({
  id: z.string().regex(/^(compose|dockerfile)\/[a-z0-9-]+$/),
  scope: z.enum(['compose', 'dockerfile']),
  severity: z.enum(containerSeverities),
  references: z.array(z.string()).min(1),
  check,
  fix: z.array(fix),
  en: text,
  fr: text,
  examples: z.strictObject({ bad: z.array(z.string()).min(1), good: z.array(z.string()).min(1) }),
});

export type ContainerRule = z.output<typeof rule>;
export type RuleCheck = ContainerRule['check'];
export type RuleFix = ContainerRule['fix'][number];

export const shippedRules = join(import.meta.dirname, '..', '..', '..', '..', 'rules', 'containers');

let shipped: readonly ContainerRule[] | undefined;

/** The rules of a folder, by default those that are shipped. Throws what is wrong with a file. */
export function loadContainerRules(folder: string = shippedRules): readonly ContainerRule[] {
  if (folder === shippedRules && shipped !== undefined) return shipped;
  const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'));
  const rules = files.sort().flatMap((name) => {
    const path = join(folder, name);
    return z.array(rule).parse(parsedFile(path, readFileSync(path, 'utf8')), { reportInput: false });
  });
  const twice = rules.find(({ id }, at) => rules.findIndex((one) => one.id === id) !== at);
  if (twice !== undefined) throw new Error(`rule "${twice.id}" is defined twice`);
  if (folder === shippedRules) shipped = rules;
  return rules;
}
