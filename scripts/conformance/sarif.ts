// The SARIF that analyze and posture scan write, held against OASIS's own schema: DIR/sarif/sarif-schema-2.1.0.json.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import formats from 'ajv-formats';
import { analysisOf } from '../../src/analyze/report/fixture.ts';
import { renderSarif } from '../../src/analyze/report/sarif.ts';
import { postureSarifOf } from './posture-sarif.ts';

export interface Checked {
  what: string;
  /** Documents held against the schema; 0 when the reference is not there. */
  checked: number;
  problems: string[];
  /** Told as well: what became of each document. */
  lines?: string[];
}

/** Reports of mixed, hostile and empty input, in both languages; `more` are further SARIF files to check. */
export function checkSarif(dir: string, more: readonly string[] = []): Checked {
  const what = 'SARIF 2.1.0';
  const file = join(dir, 'sarif', 'sarif-schema-2.1.0.json');
  if (!existsSync(file)) return { what, checked: 0, problems: [`${file} is not there`] };
  // Written in draft 4, whose `id` later drafts spell `$id`; the rest means the same.
  const { $schema: _, id: __, ...schema } = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  const ajv = new Ajv({ strict: false, allErrors: true });
  formats.default(ajv);
  const valid = ajv.compile(schema);
  const documents: [name: string, text: string][] = [
    ...(['fr', 'en'] as const).flatMap((lang): [string, string][] => [
      [`mixed, ${lang}`, [...renderSarif(analysisOf(lang))].join('')],
      [`empty, ${lang}`, [...renderSarif(analysisOf(lang, []))].join('')],
      [`posture, ${lang}`, postureSarifOf(lang)],
    ]),
    ...more.map((path): [string, string] => [path, readFileSync(path, 'utf8')]),
  ];
  const problems = documents.flatMap(([name, text]) =>
    valid(JSON.parse(text))
      ? []
      : (valid.errors ?? []).slice(0, 5).map(({ instancePath, message }) => `${name}: ${instancePath} ${message}`),
  );
  return { what, checked: documents.length, problems };
}

if (import.meta.main) {
  const [dir = '', ...more] = process.argv.slice(2);
  const { what, checked, problems } = checkSarif(dir, more);
  for (const problem of problems) console.error(problem);
  console.log(`${what}: ${checked} documents, ${problems.length} problems`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
