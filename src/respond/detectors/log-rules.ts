// The rules for lines of logs, from `rules/detect/logs.yaml`: what a line says, how often it must, and of which type of incident it tells.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { linearRegex } from './linear-regex.ts';

export const logLevels = ['error', 'critical', 'security'] as const;
export type LogLevel = (typeof logLevels)[number];

const rule = z.strictObject({
  id: z.string().regex(/^[a-z0-9-]+$/),
  /** Of the taxonomy. */
  type: z.string(),
  severity: z.enum(['low', 'medium', 'high', 'critical']),
  level: z.array(z.enum(logLevels)).optional(),
  /** Small and capital letters alike. */
  pattern: z.string().min(1).optional(),
  /** None: once is enough. `above`: and so many times what is usual for the file. */
  often: z
    .strictObject({
      count: z.int().min(1),
      withinSeconds: z.int().min(1),
      above: z.number().min(1).optional(),
    })
    .optional(),
  /** What stands behind one of these words, e.g. an address, is counted apart and is the subject; else the file is. */
  subjectAfter: z.array(z.string().min(1)).optional(),
  /** Lines that it finds, and lines that look alike and that it does not. */
  examples: z.array(z.string()).min(1),
  clean: z.array(z.string()).min(1),
});

export type LogRule = Omit<z.output<typeof rule>, 'pattern'> & {
  matches(line: string, level: LogLevel | undefined): boolean;
};

export const shippedRules = join(import.meta.dirname, '..', '..', '..', 'rules', 'detect');

/** Throws when a rule is not as it must be: one that cannot be read must not be passed over. */
export function loadLogRules(file = join(shippedRules, 'logs.yaml')): LogRule[] {
  return z
    .array(rule)
    .parse(parse(readFileSync(file, 'utf8')))
    .map(({ pattern, ...facts }) => {
      const found = pattern === undefined ? () => true : linearRegex(pattern, { ignoreCase: true });
      const { level } = facts;
      return {
        ...facts,
        matches: (line, its) => (level === undefined || (its !== undefined && level.includes(its))) && found(line),
      };
    });
}

const words: readonly [LogLevel, (text: string) => boolean][] = [
  ['security', linearRegex('\\bSECURITY\\b|\\[security\\]')],
  [
    'critical',
    linearRegex('\\b(?:CRITICAL|CRIT|FATAL|EMERG|EMERGENCY|PANIC)\\b|\\[(?:crit|critical|fatal|emerg|alert|panic)\\]'),
  ],
  ['error', linearRegex('\\b(?:ERROR|ERR|SEVERE)\\b|\\[err(?:or)?\\]|\\blevel=error\\b')],
];
const named: Readonly<Record<string, LogLevel>> = {
  error: 'error',
  err: 'error',
  critical: 'critical',
  crit: 'critical',
  fatal: 'critical',
  emerg: 'critical',
  emergency: 'critical',
  alert: 'critical',
  panic: 'critical',
  security: 'security',
};
/** A level stands near the begin of its line. */
const levelWithin = 160;

/** The level a line says it has; undefined for all that matter less. */
export function levelOf(line: string): LogLevel | undefined {
  const json = line.startsWith('{') ? levelInJson(line) : undefined;
  if (json !== undefined) return json === 'none' ? undefined : json;
  const begin = line.slice(0, levelWithin);
  return words.find(([, found]) => found(begin))?.[0];
}

function levelInJson(line: string): LogLevel | 'none' | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const fields = value as Record<string, unknown>;
  const given = fields['level'] ?? fields['severity'] ?? fields['levelname'] ?? fields['log.level'];
  // As pino and bunyan number them.
  if (typeof given === 'number') return given >= 60 ? 'critical' : given >= 50 ? 'error' : 'none';
  return typeof given === 'string' ? (named[given.toLowerCase()] ?? 'none') : undefined;
}

/** The word behind the first of these that the line has: letters, digits and what addresses and names are made of. */
export function wordAfter(line: string, before: readonly string[]): string | undefined {
  const small = line.toLowerCase();
  for (const word of before) {
    const at = small.indexOf(word.toLowerCase());
    if (at < 0) continue;
    const found = /^[\s"'=:[]{0,4}([\w.:@-]{1,80})/.exec(line.slice(at + word.length, at + word.length + 100))?.[1];
    if (found !== undefined) return found.replace(/[:.]+$/, '');
  }
  return undefined;
}
