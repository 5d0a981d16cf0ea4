// What a report was made with: the program's version, how many rules there are, and a hash over all that they say.
import { createHash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Analysis } from '../platform/documents/analysis.ts';

const root = join(import.meta.dirname, '..', '..', 'rules');
/** The folders that this analysis judges by. */
const folders = ['advice', 'code', 'containers', 'practices', 'secrets', 'topics'];
/** Where a rule begins: as a block, or in braces on one line. */
const ruleBegins = /^ *- (?:\{ )?id: /gm;

/** Reads the files as text: to compile every rule only to count them would take longer than a small analysis (0.5 s). */
export function engineOf(version: string): Analysis['engine'] {
  const hash = createHash('sha256');
  let count = 0;
  const files = folders
    .flatMap((folder) => globSync(`${folder}/**/*.yaml`, { cwd: root }))
    .map((file) => file.replaceAll('\\', '/'))
    .sort();
  for (const file of files) {
    const bytes = readFileSync(join(root, file));
    count += bytes.toString('latin1').match(ruleBegins)?.length ?? 0;
    hash.update(`${file}\0${bytes.length}\0`).update(bytes);
  }
  return { version, rules: { count, hash: hash.digest('hex') } };
}
