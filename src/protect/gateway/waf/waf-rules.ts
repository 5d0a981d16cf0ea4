// The rules against attacks round the prompt, read from rules/waf/*.yaml and checked when they are loaded.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { wafCategories } from './waf-config.ts';

export const wafPlaces = ['path', 'query', 'header', 'agent', 'name', 'note', 'url'] as const;
export type WafPlace = (typeof wafPlaces)[number];

const rule = z
  .strictObject({
    id: z.string().regex(/^[a-z0-9-]+$/),
    category: z.enum(wafCategories),
    severity: z.enum(['low', 'medium', 'high', 'critical']),
    in: z.array(z.enum(wafPlaces)).min(1),
    /** Looked for in the text in small letters. */
    pattern: z.string().min(1).optional(),
    /** Looked at where it leads, for every URL in the text. */
    check: z.enum(['private', 'metadata', 'local']).optional(),
    /** Texts that it must find, in each of its places. */
    examples: z.array(z.string()).min(1),
    /** Texts in which it must find nothing. */
    clean: z.array(z.string()).min(1),
  })
  .refine(({ pattern, check }) => (pattern === undefined) !== (check === undefined), 'a pattern or a check');
const places = z.strictObject({
  networks: z.array(z.string()),
  metadata: z.array(z.string()),
  names: z.array(z.string()),
  local: z.array(z.string()),
});

export type WafRule = z.output<typeof rule>;
export type PrivatePlaces = z.output<typeof places>;
export interface WafRules {
  rules: readonly WafRule[];
  places: PrivatePlaces;
}

const shipped = join(import.meta.dirname, '..', '..', '..', '..', 'rules', 'waf');

/** Throws when a file is not what it should be: a rule that cannot be read must not be passed over. */
export function loadWafRules(folder = shipped): WafRules {
  const read = (name: string): unknown => parse(readFileSync(join(folder, name), 'utf8'));
  const rules = readdirSync(folder)
    .filter((name) => name.endsWith('.yaml') && name !== 'places.yaml')
    .sort()
    .flatMap((name) => z.array(rule).parse(read(name)));
  const ids = new Set(rules.map(({ id }) => id));
  if (ids.size !== rules.length) throw new Error('two rules of rules/waf have one id');
  return { rules, places: places.parse(read('places.yaml')) };
}
