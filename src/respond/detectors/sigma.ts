// Sigma rules and correlations over journal records: read, checked, and refused with the exact reason where they ask for more than is done here.
//
// Done: selections of fields (contains, startswith, endswith, re, cidr, lt, lte, gt, gte, exists; all, cased, i, s),
// lists, null, wildcards, keywords; and, or, not, 1 of, any of, all of; correlations event_count and value_count with
// group-by, timespan and condition. Two additions in `custom`: the type of incident, and the field that is its subject.
import { isAlias, parseAllDocuments, visit } from 'yaml';
import { z } from 'zod';
import { readCondition } from './sigma-condition.ts';
import { fieldMatcher, keywordMatcher, type Matcher, SigmaRefused } from './sigma-fields.ts';

export { SigmaRefused } from './sigma-fields.ts';

export interface SigmaRule {
  kind: 'rule';
  /** Its id, else its name, else its title. */
  key: string;
  /** What correlations may call it. */
  names: readonly string[];
  title: string;
  severity: 'low' | 'medium' | 'high' | 'critical';
  type: string;
  subject: string | undefined;
  matches: Matcher;
  /** Only counted by a correlation. */
  isPart: boolean;
}

export interface SigmaCorrelation {
  kind: 'correlation';
  key: string;
  names: readonly string[];
  title: string;
  severity: SigmaRule['severity'];
  type: string;
  subject: string | undefined;
  counts: 'event_count' | 'value_count';
  of: readonly SigmaRule[];
  groupBy: readonly string[];
  timespanMs: number;
  /** Of value_count. */
  field: string | undefined;
  isEnough: (count: number) => boolean;
  /** What a threshold that is multiplied below one becomes. */
  least: number;
}

const levels = { informational: 'low', low: 'low', medium: 'medium', high: 'high', critical: 'critical' } as const;
const custom = z
  .looseObject({ rempart: z.strictObject({ type: z.string().optional(), subject: z.string().optional() }).optional() })
  .optional();
const common = {
  title: z.string().min(1).max(300),
  id: z.string().optional(),
  name: z.string().optional(),
  level: z.enum(['informational', 'low', 'medium', 'high', 'critical']).default('medium'),
  custom,
};
const ruleSchema = z.looseObject({
  ...common,
  logsource: z.looseObject({}).optional(),
  detection: z.looseObject({ condition: z.union([z.string(), z.array(z.string())]) }),
});
const orders = ['gt', 'gte', 'lt', 'lte', 'eq'] as const;
const correlationSchema = z.looseObject({
  ...common,
  correlation: z.looseObject({
    type: z.string(),
    rules: z.union([z.string(), z.array(z.string()).min(1)]),
    'group-by': z.union([z.string(), z.array(z.string())]).optional(),
    timespan: z.string(),
    condition: z.looseObject({ field: z.string().optional() }),
    generate: z.boolean().optional(),
  }),
});

const longest = 262_144;
const mostDocuments = 200;

/** Every rule and correlation of a file. Throws SigmaRefused, with the title of the rule before the reason. */
export function readSigma(text: string): { rules: SigmaRule[]; correlations: SigmaCorrelation[] } {
  if (text.length > longest) throw new SigmaRefused(`the file has more than ${longest} characters`);
  const documents = documentsOf(text);
  const rules: SigmaRule[] = [];
  const correlations: [string, z.output<typeof correlationSchema>][] = [];
  for (const document of documents) {
    const title = titleOf(document);
    within(title, () => {
      if (typeof document === 'object' && document !== null && 'correlation' in document)
        correlations.push([title, parsed(correlationSchema, document)]);
      else rules.push(ruleOf(parsed(ruleSchema, document)));
    });
  }
  const found = correlations.map(([title, one]) => within(title, () => correlationOf(one, rules)));
  return { rules, correlations: found };
}

function documentsOf(text: string): unknown[] {
  const documents = parseAllDocuments(text);
  if (!Array.isArray(documents)) return [];
  if (documents.length > mostDocuments) throw new SigmaRefused(`the file has more than ${mostDocuments} documents`);
  return documents.map((document) => {
    const [error] = document.errors;
    if (error !== undefined) throw new SigmaRefused(`the YAML cannot be read (${error.code})`);
    // A rule needs none, and they let a short file mean a very long one.
    visit(document, (_, node) => {
      if (isAlias(node)) throw new SigmaRefused('an alias of YAML');
    });
    return document.toJS();
  });
}

function titleOf(document: unknown): string {
  const { title } = (typeof document === 'object' && document !== null ? document : {}) as { title?: unknown };
  return typeof title === 'string' ? title.slice(0, 80) : 'a rule without a title';
}

function within<T>(title: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof SigmaRefused) throw new SigmaRefused(`${title}: ${error.what}`);
    throw error;
  }
}

function parsed<T>(schema: z.ZodType<T>, document: unknown): T {
  const result = schema.safeParse(document);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new SigmaRefused(`${issue?.path.map(String).join('.') || 'the rule'} is not as Sigma has it`);
}

function ruleOf(given: z.output<typeof ruleSchema>): SigmaRule {
  const { condition, timeframe, ...named } = given.detection;
  if (timeframe !== undefined) throw new SigmaRefused('timeframe in a detection: write a correlation instead');
  if (typeof condition !== 'string') throw new SigmaRefused('a list of conditions');
  const selections = new Map(Object.entries(named).map(([name, one]) => [name, selectionOf(name, one)]));
  return { kind: 'rule', ...headOf(given), matches: readCondition(condition, selections), isPart: false };
}

function headOf({ title, id, name, level, custom }: z.output<typeof ruleSchema> | z.output<typeof correlationSchema>) {
  return {
    key: id ?? name ?? title,
    title,
    severity: levels[level],
    type: custom?.rempart?.type ?? 'suspicious-patterns',
    subject: custom?.rempart?.subject,
    names: [id, name].filter((one) => one !== undefined),
  };
}

function selectionOf(name: string, given: unknown): Matcher {
  if (Array.isArray(given)) {
    if (given.length === 0) throw new SigmaRefused(`the selection ${name} is empty`);
    if (given.every((one) => typeof one !== 'object' || one === null)) return keywordMatcher(given);
    const of = given.map((one) => mapOf(name, one));
    return (record) => of.some((each) => each(record));
  }
  return mapOf(name, given);
}

function mapOf(name: string, given: unknown): Matcher {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw new SigmaRefused(`the selection ${name} is neither fields nor keywords`);
  const fields = Object.entries(given).map(([key, value]) => fieldMatcher(key, value));
  if (fields.length === 0) throw new SigmaRefused(`the selection ${name} is empty`);
  return (record) => fields.every((field) => field(record));
}

const units: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function correlationOf(given: z.output<typeof correlationSchema>, rules: readonly SigmaRule[]): SigmaCorrelation {
  const { type, rules: names, timespan, condition, generate = false } = given.correlation;
  if (type !== 'event_count' && type !== 'value_count')
    throw new SigmaRefused(`the correlation type ${type.slice(0, 40)} is not supported`);
  const of = [names].flat().map((name) => {
    const rule = rules.find((one) => one.names.includes(name));
    if (rule === undefined) throw new SigmaRefused(`it counts ${name.slice(0, 80)}, which is not in the same file`);
    rule.isPart ||= !generate;
    return rule;
  });
  const span = /^(\d{1,5})([smhd])$/.exec(timespan);
  if (span === null) throw new SigmaRefused(`the timespan ${timespan.slice(0, 40)} is not a number with s, m, h or d`);
  const { field, ...limits } = condition;
  if (type === 'value_count' && field === undefined) throw new SigmaRefused('value_count without a field');
  const groupBy = [given.correlation['group-by'] ?? []].flat();
  return {
    kind: 'correlation',
    ...headOf(given),
    counts: type,
    of,
    groupBy,
    timespanMs: Number(span[1]) * units[span[2]!]!,
    field,
    ...limitsOf(limits),
  };
}

function limitsOf(limits: Readonly<Record<string, unknown>>): Pick<SigmaCorrelation, 'isEnough' | 'least'> {
  const entries = Object.entries(limits);
  if (entries.length === 0) throw new SigmaRefused('a correlation without a condition');
  for (const [name, limit] of entries) {
    if (!(orders as readonly string[]).includes(name) || typeof limit !== 'number')
      throw new SigmaRefused(`the condition ${name.slice(0, 40)} of a correlation is not supported`);
    // Records come one by one: that there are few of them is never the last word.
    if (name === 'lt' || name === 'lte') throw new SigmaRefused(`a correlation with ${name}: only more can be told of`);
  }
  const of = entries as [(typeof orders)[number], number][];
  return {
    isEnough: (count) =>
      of.every(([name, limit]) => (name === 'gt' ? count > limit : name === 'eq' ? count === limit : count >= limit)),
    least: Math.max(...of.map(([name, limit]) => (name === 'gt' ? limit + 1 : limit))),
  };
}
