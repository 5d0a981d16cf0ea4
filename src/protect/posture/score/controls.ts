// Controls, score and threat level: which demands hold, by the findings that speak against them and by rules that are data.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import type { Control, PostureFinding, ThreatLevel } from '../../../platform/documents/posture.ts';
import { threatLevels } from '../../../platform/documents/posture.ts';

export const postureRules = join(import.meta.dirname, '..', '..', '..', '..', 'rules', 'posture');

/** What was looked at; a control that needs what was not is not assessed. */
export const aspects = [
  'compose',
  'dockerfile',
  'listeners',
  'firewall',
  'configuration',
  'secrets',
  'models',
  'journal',
  'monitor',
] as const;
export type Aspect = (typeof aspects)[number];

const words = z.strictObject({ title: z.string() });
const controlFile = z.array(
  z.strictObject({
    id: z.string(),
    /** Looked at any of these: assessed. */
    needs: z.array(z.enum(aspects)).min(1),
    /** Rules whose findings speak against it; `compose/*` stands for all of a kind. */
    against: z.array(z.string()).min(1),
    en: words,
    fr: words,
  }),
);
export type ControlRule = z.output<typeof controlFile>[number];

const severity = z.enum(['critical', 'high', 'medium', 'low']);
const levelFile = z.array(
  z.strictObject({
    level: z.enum(threatLevels),
    /** Any one of them is enough; none: the level of last resort. */
    when: z.strictObject({
      findings: severity.optional(),
      coverageBelow: z.number().optional(),
      integrity: z.literal('FAILED').optional(),
      anomaliesFrom: z.number().optional(),
      failedAuthFrom: z.number().optional(),
    }),
    en: z.string(),
    fr: z.string(),
  }),
);

export function loadControls(folder: string = postureRules): readonly ControlRule[] {
  return controlFile.parse(parse(readFileSync(join(folder, 'controls.yaml'), 'utf8')));
}

/** Each control's state, from what was looked at and what was found there. */
export function judgeControls(
  controls: readonly ControlRule[],
  findings: readonly PostureFinding[],
  looked: ReadonlySet<Aspect>,
  lang: 'en' | 'fr',
): Control[] {
  return controls.map((control) => {
    const against = findings.filter(
      ({ rule, severity: how }) => how !== 'info' && control.against.some((pattern) => covers(pattern, rule)),
    );
    const assessed = control.needs.some((need) => looked.has(need));
    const state = against.length > 0 ? 'failed' : assessed ? 'met' : 'not-assessed';
    const evidence =
      against.length > 0
        ? [...new Set(against.map(({ rule }) => rule))].sort()
        : assessed
          ? control.needs.filter((need) => looked.has(need))
          : [];
    return { id: control.id, title: control[lang].title, state, evidence };
  });
}

function covers(pattern: string, rule: string): boolean {
  return pattern.endsWith('*') ? rule.startsWith(pattern.slice(0, -1)) : pattern === rule;
}

export interface Score {
  percent: number | null;
  met: number;
  assessed: number;
  total: number;
}

export function scoreOf(controls: readonly Control[]): Score {
  const met = controls.filter(({ state }) => state === 'met').length;
  const assessed = controls.filter(({ state }) => state !== 'not-assessed').length;
  const percent = assessed === 0 ? null : Math.round((met / assessed) * 1000) / 10;
  return { percent, met, assessed, total: controls.length };
}

export interface ThreatFacts {
  findings: readonly PostureFinding[];
  percent: number | null;
  integrity: 'PASSED' | 'FAILED' | 'NOT_RUN';
  anomalies: number | null;
  failedAuth: number | null;
}

/** The first level of the file, from the worst, one of whose conditions holds. */
export function threatLevelOf(
  facts: ThreatFacts,
  lang: 'en' | 'fr',
  folder: string = postureRules,
): { level: ThreatLevel; because: string } {
  const rules = levelFile.parse(parse(readFileSync(join(folder, 'threat-level.yaml'), 'utf8')));
  for (const rule of rules) {
    const { when } = rule;
    const none = Object.keys(when).length === 0;
    if (none || holds(when, facts)) return { level: rule.level, because: rule[lang] };
  }
  return { level: 'RED', because: '' };
}

function holds(when: z.output<typeof levelFile>[number]['when'], facts: ThreatFacts): boolean {
  const { findings, coverageBelow, integrity, anomaliesFrom, failedAuthFrom } = when;
  return (
    (findings !== undefined && facts.findings.some((one) => one.severity === findings)) ||
    (coverageBelow !== undefined && facts.percent !== null && facts.percent < coverageBelow) ||
    (integrity !== undefined && facts.integrity === integrity) ||
    (anomaliesFrom !== undefined && facts.anomalies !== null && facts.anomalies >= anomaliesFrom) ||
    (failedAuthFrom !== undefined && facts.failedAuth !== null && facts.failedAuth >= failedAuthFrom)
  );
}
