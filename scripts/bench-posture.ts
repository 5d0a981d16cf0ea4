// `npm run bench:posture`: precision and recall of the linter on labelled files, its own or those of a folder.
// A label is a comment `# expect: RULE SERVICE SETTING`; `-` for no service, `# expect: nothing` for a clean file.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { lintCompose, lintDockerfile } from '../src/platform/inspection/containers/lint.ts';
import { loadContainerRules } from '../src/platform/inspection/containers/rules.ts';

export interface Measured {
  files: number;
  expected: number;
  found: number;
  right: number;
  /** `file: rule service setting`, one a line, with + for too much and - for missing. */
  differences: string[];
}

export function measure(folder: string): Measured {
  const options = { rules: loadContainerRules(), lang: 'en' as const };
  const measured: Measured = { files: 0, expected: 0, found: 0, right: 0, differences: [] };
  for (const name of globSync('**/*.{yaml,yml,Dockerfile}', { cwd: folder }).sort()) {
    const file = { name, text: readFileSync(join(folder, name), 'utf8') };
    const findings = name.endsWith('Dockerfile') ? lintDockerfile(file, options) : lintCompose([file], options);
    const found = findings.map(({ rule, service, setting }) => `${rule} ${service ?? '-'} ${setting}`);
    const expected = [...file.text.matchAll(/^\uFEFF?# expect: (?!nothing$)(.+)$/gm)].map(([, label = '']) =>
      label.trim(),
    );
    const left = [...found];
    for (const label of expected) {
      const at = left.indexOf(label);
      if (at === -1) measured.differences.push(`${name}: - ${label}`);
      else left.splice(at, 1);
    }
    measured.differences.push(...left.map((label) => `${name}: + ${label}`));
    measured.files += 1;
    measured.expected += expected.length;
    measured.found += found.length;
    measured.right += found.length - left.length;
  }
  return measured;
}

if (import.meta.main) {
  const folder = process.argv[2] ?? join(import.meta.dirname, '..', 'test', 'fixtures', 'posture', 'corpus');
  const started = performance.now();
  const { files, expected, found, right, differences } = measure(folder);
  const took = performance.now() - started;
  for (const line of differences) console.log(line);
  const share = (of: number) => (of === 0 ? '–' : `${((100 * right) / of).toFixed(1)} %`);
  console.log(`files ${files}  expected ${expected}  found ${found}  right ${right}`);
  console.log(`precision ${share(found)}  recall ${share(expected)}  ${(took / files).toFixed(2)} ms a file`);
}
