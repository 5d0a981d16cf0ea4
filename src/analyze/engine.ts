// What a report was made with: the program's version, how many rules there are, and a hash over all that they say.
import { createHash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Analysis } from '../platform/documents/analysis.ts';
import { ruleSet } from '../platform/inspection/code-rules/rule-set.ts';
import { loadContainerRules } from '../platform/inspection/containers/rules.ts';
import { loadSecretRules } from '../platform/inspection/secret-rules.ts';
import { knowledge } from './knowledge/knowledge.ts';

const root = join(import.meta.dirname, '..', '..', 'rules');
/** The folders that this analysis judges by. */
const folders = ['advice', 'code', 'containers', 'practices', 'secrets', 'topics'];

export function engineOf(version: string): Analysis['engine'] {
  const { tokens, named } = loadSecretRules();
  const count = ruleSet().count + knowledge().count + loadContainerRules().length + tokens.length + named.length;
  return { version, rules: { count, hash: hashOfRules() } };
}

function hashOfRules(): string {
  const hash = createHash('sha256');
  const files = folders
    .flatMap((folder) => globSync(`${folder}/**/*.yaml`, { cwd: root }))
    .map((file) => file.replaceAll('\\', '/'))
    .sort();
  for (const file of files) {
    const bytes = readFileSync(join(root, file));
    hash.update(`${file}\0${bytes.length}\0`).update(bytes);
  }
  return hash.digest('hex');
}
