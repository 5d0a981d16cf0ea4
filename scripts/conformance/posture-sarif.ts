// The SARIF that posture scan writes for the labelled files, patches as fixes, for the check against OASIS's schema.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { lintCompose, lintDockerfile } from '../../src/platform/inspection/containers/lint.ts';
import { loadContainerRules } from '../../src/platform/inspection/containers/rules.ts';
import { lineStarts, postureSarif, regionsOf } from '../../src/protect/posture/sarif.ts';

const corpus = join(import.meta.dirname, '..', '..', 'test', 'fixtures', 'posture', 'corpus');

export function postureSarifOf(lang: 'en' | 'fr'): string {
  const rules = loadContainerRules();
  const findings = globSync('*', { cwd: corpus }).flatMap((name) => {
    const file = { name, text: readFileSync(join(corpus, name), 'utf8') };
    const lint = name.endsWith('Dockerfile')
      ? lintDockerfile
      : (one: typeof file, how: typeof options) => lintCompose([one], how);
    const options = { rules, lang };
    return lint(file, options).map(({ patch, ...one }) => ({
      ...one,
      references: [...one.references],
      patch: patch?.diff ?? null,
      ...(patch === null ? {} : { edits: patch.edits, regions: regionsOf(lineStarts(file.text), patch.edits) }),
    }));
  });
  return JSON.stringify(postureSarif(findings, { lang, version: '0.1.0', root: (file) => file }));
}
