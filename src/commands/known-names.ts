// Who is behind the pseudonyms of the journal, as far as this data directory knows: the holders of its keys.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createPseudonyms, type PseudonymOf } from '../protect/erasure/pseudonym.ts';

export interface KnownNames {
  /** Undefined where no pseudonym was ever made. */
  pseudonymOf: PseudonymOf | undefined;
  /** A text with names in the place of the pseudonyms that are known. */
  named(text: string): string;
}

export function knownNames(data: string): KnownNames {
  const file = join(data, 'subjects.key');
  if (!existsSync(file)) return { pseudonymOf: undefined, named: (text) => text };
  const pseudonymOf = createPseudonyms(readFileSync(file));
  const names = new Map(['admin', ...holders(data)].map((name) => [pseudonymOf(name), name]));
  return {
    pseudonymOf,
    named: (text) => text.replaceAll(/\bu-[0-9a-f]{20}\b/g, (found) => names.get(found) ?? found),
  };
}

/** A copy of the store's keys that can be read beside a running instance. */
function holders(data: string): string[] {
  try {
    const keys = JSON.parse(readFileSync(join(data, 'keys.json'), 'utf8')) as { subject?: unknown }[];
    return keys.flatMap(({ subject }) => (typeof subject === 'string' ? [subject] : []));
  } catch {
    return [];
  }
}
