// Loads the rules of rules/code, checks and compiles them once, and says which set this is.
import { createHash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { z } from 'zod';
import { parsedFile } from '../../base/parsed-files.ts';
import type { Confidence, Severity } from '../../documents/analysis.ts';
import { isLanguage, type Language } from '../ast/languages.ts';
import { bothCases } from './both-cases.ts';
import { boundedPattern } from './bounded-pattern.ts';
import type { LexicalFamily } from './lexical-family.ts';
import {
  flowsSchema,
  type MatchFile,
  type RuleFile,
  ruleSchema,
  type valueSchema,
  type Weakness,
  weaknessSchema,
} from './rule.ts';
import { type Flow, origins } from './value.ts';

export interface Words {
  en: string;
  fr: string;
}

/** What a reader is told about a rule. */
export interface RuleText {
  id: string;
  weakness: string;
  languages: readonly Language[];
  cwe: readonly string[];
  owasp: readonly string[];
  severity: Severity;
  confidence: Confidence;
  title: Words;
  explanation: Words;
  exploitation: Words;
  fix: Words;
}

export interface ValueTest {
  level: number;
  built: boolean | undefined;
  list: boolean | undefined;
  literal: RegExp | undefined;
  text: RegExp | undefined;
  notText: RegExp | undefined;
}

export type Match =
  | {
      kind: 'call';
      name: RegExp;
      args: [string, ValueTest][];
      without: RegExp | undefined;
      atLeast: number;
      atMost: number;
    }
  | { kind: 'assign'; target: RegExp; value: ValueTest; pair: boolean | undefined }
  | { kind: 'string'; pattern: RegExp; value: ValueTest }
  | { kind: 'text'; pattern: RegExp; not: RegExp | undefined; raw: boolean }
  | { kind: 'ast'; rule: Record<string, unknown> };

export interface Rule extends RuleText {
  keywords: readonly string[];
  matches: readonly Match[];
  flow: string;
  requires: { scope: RegExp | undefined; purpose: RegExp | undefined; text: RegExp | undefined };
  unless: { scope: RegExp | undefined; text: RegExp | undefined; line: RegExp | undefined };
  examples: { bad: readonly string[]; good: readonly string[] };
}

export interface RuleSet {
  rules: readonly Rule[];
  byLanguage: ReadonlyMap<Language, readonly Rule[]>;
  flow(family: LexicalFamily['name'], name: string): Flow;
  hash: string;
  /** Every regular expression of every rule and flow, for the test that none of them can be slowed down. */
  patterns: readonly RulePattern[];
}

export interface RulePattern {
  rule: string;
  pattern: RegExp;
  /** The longest text that the engine gives it. */
  reach: number;
}

/** What the engine hands to patterns is no longer than this; whatever is cut is told as partly read. */
export const limits = { text: 400_000, line: 10_000, value: 10_000, name: 240 } as const;

const folder = join(import.meta.dirname, '../../../../rules/code');
/** A folder that is no language, and what its rules are written in. */
const folderLanguages: Record<string, readonly Language[]> = {
  kubernetes: ['yaml'],
  script: ['javascript', 'typescript', 'tsx'],
  typescript: ['typescript', 'tsx'],
  javascript: ['javascript', 'typescript', 'tsx'],
  shell: ['bash'],
  general: ['python', 'javascript', 'typescript', 'tsx', 'java', 'go', 'php', 'ruby', 'c', 'csharp'],
};
const never = /(?!)/;
let loaded: RuleSet | undefined;

/** The rules that come with the program, read at the first call. */
export function loadRules(): RuleSet {
  loaded ??= readRules(folder);
  return loaded;
}

/** How many rules there are and a hash over all that they say: two runs with the same hash judge alike. */
export function ruleSet(): { count: number; hash: string } {
  const { rules, hash } = loadRules();
  return { count: rules.length, hash };
}

export function readRules(from: string): RuleSet {
  const hash = createHash('sha256');
  const read = (file: string): unknown => {
    const path = join(from, file);
    const text = readFileSync(path, 'utf8');
    hash.update(`${file}\0${text}\0`);
    return parsedFile(path, text);
  };
  const weaknesses = new Map(
    Object.entries(read('weaknesses.yaml') as Record<string, unknown>).map(([id, weakness]) => [
      id,
      checked(weaknessSchema, weakness, id),
    ]),
  );
  const flows = checked(flowsSchema, read('flows.yaml'), 'flows.yaml');
  const rules = globSync('*/*.yaml', { cwd: from })
    .map((file) => file.replaceAll('\\', '/'))
    .sort()
    .flatMap((file) => {
      const usual = languagesOf(basename(dirname(file)));
      return ((read(file) as unknown[] | null) ?? []).map((raw) =>
        compile(checked(ruleSchema, raw, `${file} ${(raw as { id?: string }).id}`), usual, weaknesses),
      );
    });
  const twice = rules.find((rule, index) => rules.findIndex(({ id }) => id === rule.id) !== index);
  if (twice !== undefined) throw new TypeError(`two code rules are named "${twice.id}"`);
  const byLanguage = new Map<Language, Rule[]>();
  for (const rule of rules) {
    for (const language of rule.languages) byLanguage.set(language, [...(byLanguage.get(language) ?? []), rule]);
  }
  return {
    rules,
    byLanguage,
    flow: flowOf(flows),
    hash: hash.digest('hex'),
    patterns: [...rules.flatMap(patternsOf), ...patternsOfFlows(flows)],
  };
}

function languagesOf(name: string): readonly Language[] {
  const known = folderLanguages[name] ?? (isLanguage(name) ? [name] : null);
  if (known === null) throw new TypeError(`rules/code/${name} is not the name of a language`);
  return known;
}

function checked<T>(schema: z.ZodType<T>, raw: unknown, where: string): T {
  const result = schema.safeParse(raw);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new TypeError(`code rule "${where}": ${issue?.path.join('.')} ${issue?.message}`);
}

function compile(file: RuleFile, usual: readonly Language[], weaknesses: ReadonlyMap<string, Weakness>): Rule {
  const weakness = weaknesses.get(file.weakness);
  if (weakness === undefined)
    throw new TypeError(`code rule "${file.id}" names the unknown weakness "${file.weakness}"`);
  return {
    id: file.id,
    weakness: file.weakness,
    languages: file.languages ?? usual,
    cwe: file.cwe ?? weakness.cwe,
    owasp: weakness.owasp,
    severity: file.severity ?? weakness.severity,
    confidence: file.confidence,
    title: file.title ?? weakness.title,
    explanation: weakness.explanation,
    exploitation: weakness.exploitation,
    fix: file.fix ?? weakness.fix,
    keywords: file.keywords.map((keyword) => keyword.toLowerCase()),
    matches: file.match.map(compileMatch),
    flow: weakness.flow ?? '',
    requires: {
      scope: optional(file.requires?.scope),
      purpose: optional(file.requires?.purpose),
      text: optional(file.requires?.text),
    },
    unless: {
      scope: optional(file.unless?.scope),
      text: optional(file.unless?.text),
      line: optional(file.unless?.line),
    },
    examples: file.examples,
  };
}

function compileMatch(match: MatchFile): Match {
  if ('call' in match) {
    const args = Object.entries(match.args ?? {}).map(([key, test]): [string, ValueTest] => [key, compileValue(test)]);
    return {
      kind: 'call',
      name: whole(match.call),
      args,
      without: optional(match.without),
      atLeast: match.atLeast ?? 0,
      atMost: match.atMost ?? Number.POSITIVE_INFINITY,
    };
  }
  if ('assign' in match)
    return { kind: 'assign', target: whole(match.assign), value: compileValue(match.value), pair: match.pair };
  if ('string' in match)
    return {
      kind: 'string',
      pattern: new RegExp(bothCases(boundedPattern(match.string)), 'i'),
      value: compileValue(match.value),
    };
  if ('text' in match)
    return {
      kind: 'text',
      pattern: new RegExp(bothCases(boundedPattern(match.text)), 'gm'),
      not: optional(match.not),
      raw: match.raw ?? false,
    };
  return { kind: 'ast', rule: match.ast };
}

function compileValue(test: z.infer<typeof valueSchema>): ValueTest {
  return {
    level: origins.indexOf(test.from ?? 'constant'),
    built: test.built,
    list: test.list,
    literal: optional(test.literal),
    text: optional(test.text),
    notText: optional(test.notText),
  };
}

function whole(source: string): RegExp {
  return new RegExp(`^(?:${bothCases(source)})$`);
}

function optional(source: string | undefined): RegExp | undefined {
  return source === undefined ? undefined : new RegExp(bothCases(boundedPattern(source)), 'm');
}

function flowOf(flows: z.infer<typeof flowsSchema>): RuleSet['flow'] {
  const made = new Map<string, Flow>();
  return (family, name) => {
    const key = `${family} ${name}`;
    let flow = made.get(key);
    if (flow === undefined) {
      const local = flows.theirOwn.includes(name) ? undefined : flows.local[family];
      const source = [flows.sources[family], local].filter((one) => one !== undefined).join('|');
      const sanitizer = flows.sanitizers[name];
      flow = {
        source: source === '' ? never : new RegExp(bothCases(boundedPattern(source))),
        sanitizer: sanitizer === undefined ? null : new RegExp(sanitizer, 'i'),
      };
      made.set(key, flow);
    }
    return flow;
  };
}

function patternsOf({ id, matches, requires, unless }: Rule): RulePattern[] {
  const made: RulePattern[] = [];
  const add = (reach: number, ...patterns: (RegExp | undefined)[]) => {
    for (const pattern of patterns) if (pattern !== undefined) made.push({ rule: id, pattern, reach });
  };
  const addValue = ({ literal, text, notText }: ValueTest) => add(limits.value, literal, text, notText);
  for (const match of matches) {
    if (match.kind === 'call') {
      add(limits.name, match.name);
      add(limits.value, match.without);
      for (const [, test] of match.args) addValue(test);
    } else if (match.kind === 'assign') {
      add(limits.name, match.target);
      addValue(match.value);
    } else if (match.kind === 'string') {
      add(limits.value, match.pattern);
      addValue(match.value);
    } else if (match.kind === 'text') {
      add(limits.text, match.pattern);
      add(limits.value, match.not);
    }
  }
  add(limits.text, requires.scope, requires.purpose, requires.text, unless.scope, unless.text);
  add(limits.value, unless.line);
  return made;
}

function patternsOfFlows({ sources, local, sanitizers }: z.infer<typeof flowsSchema>): RulePattern[] {
  const given =
    (kind: string) =>
    ([name, source]: [string, string]) => ({
      rule: `flows.yaml ${kind} ${name}`,
      pattern: new RegExp(bothCases(boundedPattern(source))),
      reach: limits.value,
    });
  const cleaning = ([name, source]: [string, string]) => ({
    rule: `flows.yaml ${name}`,
    pattern: new RegExp(source, 'i'),
    reach: limits.name,
  });
  return [
    ...Object.entries(sources).map(given('sources')),
    ...Object.entries(local).map(given('local')),
    ...Object.entries(sanitizers).map(cleaning),
  ];
}
