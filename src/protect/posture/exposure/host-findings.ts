// What a check of this machine found, put into the words of rules/posture/host.yaml.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { type PostureFinding, postureSeverities } from '../../../platform/documents/posture.ts';
import { postureRules } from '../score/controls.ts';

const words = z.strictObject({ message: z.string(), why: z.string(), fix: z.string() });
const rules = z.array(
  z.strictObject({
    id: z.string(),
    severity: z.enum(postureSeverities),
    references: z.array(z.string()).min(1),
    en: words,
    fr: words,
  }),
);

export interface HostHit {
  rule: string;
  /** What was looked at: an address, a file, a key of the configuration. */
  setting: string;
  file?: string;
  facts?: Readonly<Record<string, string | number>>;
}

export function hostFindings(hits: readonly HostHit[], lang: 'en' | 'fr'): PostureFinding[] {
  const known = rules.parse(parse(readFileSync(join(postureRules, 'host.yaml'), 'utf8')));
  return hits.map(({ rule: id, setting, file, facts = {} }) => {
    const rule = known.find((one) => one.id === id);
    if (rule === undefined) throw new Error(`rules/posture/host.yaml has no rule "${id}"`);
    const filled: Readonly<Record<string, string | number>> = { setting, file: file ?? '', ...facts };
    const say = (text: string) => text.replace(/\{(\w+)\}/g, (place, name: string) => String(filled[name] ?? place));
    const { message, why, fix } = rule[lang];
    return {
      rule: id,
      severity: rule.severity,
      file: file ?? null,
      line: null,
      service: null,
      setting,
      value: null,
      message: say(message),
      fix: say(fix),
      why: say(why),
      references: rule.references,
      patch: null,
    };
  });
}
