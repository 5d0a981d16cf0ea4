// Known weaknesses of Ollama's versions, as a table that users can extend, and the version from which none of them remains.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import type { Finding } from './finding.ts';

const file = join(import.meta.dirname, '..', '..', '..', '..', 'rules', 'models', 'ollama-weaknesses.yaml');

const version = z.string().regex(/^\d+\.\d+\.\d+$/);

const weakness = z
  .strictObject({
    id: z.string(),
    severity: z.enum(['low', 'medium', 'high', 'critical']),
    /** The first version without it. */
    fixedIn: version.optional(),
    /** The last version known to have it, where the first one without it is not known. */
    lastAffected: version.optional(),
    en: z.string(),
    fr: z.string(),
  })
  .refine(({ fixedIn, lastAffected }) => (fixedIn === undefined) !== (lastAffected === undefined));
export type Weakness = z.output<typeof weakness>;

export function readWeaknesses(): Weakness[] {
  return z.strictObject({ weaknesses: z.array(weakness) }).parse(parse(readFileSync(file, 'utf8'))).weaknesses;
}

/** Undefined for a version that none of them concerns, and for one that is not a version. */
export function versionFinding(given: string, weaknesses: readonly Weakness[]): Finding | undefined {
  const found = weaknesses.filter(({ fixedIn, lastAffected }) =>
    fixedIn === undefined ? compareVersions(given, lastAffected!) <= 0 : compareVersions(given, fixedIn) < 0,
  );
  if (found.length === 0) return undefined;
  const worst = (['critical', 'high', 'medium', 'low'] as const).find((one) =>
    found.some(({ severity }) => severity === one),
  );
  const floor = found
    .map(({ fixedIn, lastAffected }) => fixedIn ?? `> ${lastAffected}`)
    .reduce((a, b) => (compareVersions(a, b) >= 0 ? a : b));
  const detail = found.map(({ id }) => id).join(', ');
  return { what: 'version-vulnerable', model: null, found: given, expected: floor, detail, severity: worst ?? 'high' };
}

/** Below, equal or above zero; a pre-release comes before its release (semver.org 2.0.0, 11), a development build counts as its number. */
function compareVersions(a: string, b: string): number {
  const [one, other] = [numbers(a), numbers(b)];
  for (let i = 0; i < 3; i++) {
    const difference = (one.parts[i] ?? 0) - (other.parts[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return Number(other.early) - Number(one.early);
}

function numbers(text: string): { parts: number[]; early: boolean } {
  const [, core = '0.0.0', rest = ''] = /(\d+(?:\.\d+){0,2})(-[0-9a-z.-]+)?/i.exec(text) ?? [];
  return { parts: core.split('.').map(Number), early: /^-(rc|alpha|beta|pre)/i.test(rest) };
}
