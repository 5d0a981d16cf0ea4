// The Sigma rules that ship with Rempart, and those of folders of one's own.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { shippedRules } from './log-rules.ts';
import { readSigma, type SigmaCorrelation, SigmaRefused, type SigmaRule } from './sigma.ts';

export interface SigmaRules {
  rules: SigmaRule[];
  correlations: SigmaCorrelation[];
  /** Files of which nothing is used, and exactly why. */
  refused: { file: string; what: string }[];
}

const mostFiles = 5_000;

/** A file of which one rule is refused is refused as a whole: half of what somebody wrote is not what they meant. */
export function loadSigma(folders: readonly string[]): SigmaRules {
  const all: SigmaRules = { rules: [], correlations: [], refused: [] };
  for (const folder of folders)
    for (const file of filesIn(folder, all)) {
      try {
        const { rules, correlations } = readSigma(readFileSync(join(folder, file), 'utf8'));
        all.rules.push(...rules);
        all.correlations.push(...correlations);
      } catch (error) {
        const what = error instanceof SigmaRefused ? error.what : 'the file cannot be read';
        all.refused.push({ file, what });
      }
    }
  return all;
}

/** Throws when one is refused: a rule of our own must not be passed over. */
export function loadShippedSigma(): SigmaRules {
  const shipped = loadSigma([join(shippedRules, 'journal')]);
  const [refused] = shipped.refused;
  if (refused !== undefined) throw new Error(`rules/detect/journal/${refused.file}: ${refused.what}`);
  return shipped;
}

function filesIn(folder: string, { refused }: SigmaRules): string[] {
  try {
    const found = readdirSync(folder, { recursive: true, encoding: 'utf8' });
    return found
      .filter((name) => /\.ya?ml$/.test(name))
      .sort()
      .slice(0, mostFiles);
  } catch {
    refused.push({ file: folder, what: 'the folder cannot be read' });
    return [];
  }
}
