// Where models may come from: HOST or HOST/NAMESPACE, from the rules unless somebody says otherwise.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import type { ModelName } from './name.ts';

const rules = join(import.meta.dirname, '..', '..', '..', '..', 'rules', 'models');

const sourcesFile = z.strictObject({
  sources: z.array(z.strictObject({ source: z.string(), en: z.string(), fr: z.string() })),
});

export function defaultSources(): string[] {
  const text = readFileSync(join(rules, 'trusted-sources.yaml'), 'utf8');
  return sourcesFile.parse(parse(text)).sources.map(({ source }) => source);
}

export function isSource(text: string): boolean {
  return /^[a-z0-9_][a-z0-9_.:-]*(\/[a-z0-9_][a-z0-9_-]*)?$/i.test(text);
}

export function isAllowed({ host, namespace }: ModelName, sources: readonly string[]): boolean {
  const whole = `${host}/${namespace}`.toLowerCase();
  return sources.some((source) => {
    const wanted = source.toLowerCase();
    return wanted === whole || wanted === host.toLowerCase();
  });
}
