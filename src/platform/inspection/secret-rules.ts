// The rules for secrets, read from rules/secrets/*.yaml and checked when they are loaded.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { parsedFile } from '../base/parsed-files.ts';

const common = {
  id: z.string().regex(/^[a-z0-9-]+$/),
  provider: z.string().min(1),
  /** Bits per character that the value must have; default 3 for keys in letters and digits, less where the shape says it. */
  entropy: z.number().optional(),
  /** Texts made of these must be found, by this rule. `{A:20}` stands for 20 drawn characters: no key stands in the file itself. */
  examples: z.array(z.string()).default([]),
  /** Texts in which this rule must find nothing that is no placeholder. */
  clean: z.array(z.string()).default([]),
};

/** A key that can be told by what it begins with. */
const token = z.strictObject({
  ...common,
  starts: z.array(z.string().min(2)).min(1),
  /** What follows one of `starts`. */
  follows: z.string(),
  /** How far before it the match may reach, for keys whose mark stands inside them. */
  before: z.string().optional(),
});

/** A key that can only be told by the name it is given to. */
const named = z.strictObject({
  ...common,
  names: z.array(z.string().min(3)).min(1),
  value: z.string(),
});

const file = z.strictObject({ tokens: z.array(token).default([]), named: z.array(named).default([]) });

export type TokenRule = z.output<typeof token>;
export type NamedRule = z.output<typeof named>;
export interface SecretRules {
  tokens: readonly TokenRule[];
  named: readonly NamedRule[];
}

const shipped = join(import.meta.dirname, '..', '..', '..', 'rules', 'secrets');

/** Throws when a file is not what it should be: a rule that cannot be read must not be passed over. */
export function loadSecretRules(folder = shipped): SecretRules {
  const tokens: TokenRule[] = [];
  const namedRules: NamedRule[] = [];
  for (const name of readdirSync(folder).sort()) {
    if (!name.endsWith('.yaml')) continue;
    const path = join(folder, name);
    const read = file.parse(parsedFile(path, readFileSync(path, 'utf8')));
    tokens.push(...read.tokens);
    namedRules.push(...read.named);
  }
  return { tokens, named: namedRules };
}
