// The compose files that harden writes, held against the Compose specification's own schema: DIR/compose/compose-spec.json.
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import formats from 'ajv-formats';
import { parse } from 'yaml';
import { loadDeployment } from '../../src/platform/documents/load-deployment.ts';
import { hardenedFiles } from '../../src/protect/posture/harden/harden.ts';
import type { Checked } from './sarif.ts';

const root = join(import.meta.dirname, '..', '..');

/** Every shipped deployment profile, plain and in secure mode, and what stands in deploy/. */
export function checkCompose(dir: string): Checked {
  const what = 'Compose specification';
  const file = join(dir, 'compose', 'compose-spec.json');
  if (!existsSync(file)) return { what, checked: 0, problems: [`${file} is not there`] };
  // Draft 7, whose address it spells with https; Ajv knows it by its own name.
  const { $schema: _, ...schema } = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  const ajv = new Ajv({ strict: false, allErrors: true });
  formats.default(ajv);
  const valid = ajv.compile(schema);
  const documents = [...generated(), ...shipped()];
  const problems = documents.flatMap(([name, text]) =>
    valid(parse(text, { merge: true }))
      ? []
      : (valid.errors ?? []).slice(0, 5).map(({ instancePath, message }) => `${name}: ${instancePath} ${message}`),
  );
  return { what, checked: documents.length, problems };
}

function generated(): [string, string][] {
  return globSync('targets/deployments/*.yaml', { cwd: root }).flatMap((path) =>
    Object.entries(hardenedFiles(loadDeployment(join(root, path)), { secureMode: false }))
      .filter(([name]) => name.startsWith('compose'))
      .map(([name, { text }]): [string, string] => [`${path} → ${name}`, text]),
  );
}

function shipped(): [string, string][] {
  return globSync('deploy/compose*.yaml', { cwd: root }).map((path) => [path, readFileSync(join(root, path), 'utf8')]);
}
