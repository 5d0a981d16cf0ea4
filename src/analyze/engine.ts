// What a report was made with: the program's version, how many rules there are, and a hash over all that they say.
import { createHash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Analysis } from '../platform/documents/analysis.ts';

const root = join(import.meta.dirname, '..', '..', 'rules');
/** The folders that this analysis judges by. */
const folders = ['advice', 'code', 'containers', 'practices', 'secrets', 'topics'];
/** Where a rule begins: as a block, or in braces on one line. */
const ruleBegins = /^ *- (?:\{ )?id: /gm;

/** The files that hold the rules, by their paths, in order. */
export function ruleFiles(): string[] {
  return folders
    .flatMap((folder) => globSync(`${folder}/**/*.yaml`, { cwd: root }))
    .map((file) => file.replaceAll('\\', '/'))
    .sort()
    .map((file) => join(root, file));
}

/** Reads the files as text: to compile every rule only to count them would take longer than a small analysis (0.5 s). */
export function engineOf(version: string): Analysis['engine'] {
  const hash = createHash('sha256');
  let count = 0;
  for (const path of ruleFiles()) {
    const bytes = readFileSync(path);
    const file = relative(root, path).replaceAll('\\', '/');
    count += bytes.toString('latin1').match(ruleBegins)?.length ?? 0;
    hash.update(`${file}\0${bytes.length}\0`).update(bytes);
  }
  return { version, rules: { count, hash: hash.digest('hex') } };
}
