// A Chaos Toolkit experiment as it is written: read from JSON or YAML, checked, its references resolved. Only http and process providers are run.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { RempartError } from '../../platform/base/errors.ts';
import type { Json } from '../../platform/base/json.ts';

const seconds = z.union([z.number().min(0), z.string()]);
const headers = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));
const httpProvider = z.object({
  type: z.literal('http'),
  url: z.string().min(1),
  method: z.string().default('GET'),
  headers: headers.optional(),
  /** The query of a GET, else the body: JSON if the header says exactly so, else a form. */
  arguments: z.json().optional(),
  timeout: z.union([seconds, z.tuple([z.number(), z.number()])]).optional(),
  verify_tls: z.boolean().default(true),
  max_retries: z.number().int().min(0).max(20).default(0),
  secrets: z.array(z.string()).optional(),
});
const processProvider = z.object({
  type: z.literal('process'),
  path: z.string().min(1),
  /** A string is handed to the shell; a list and an object are not. */
  arguments: z.union([z.string(), z.array(z.json()), z.record(z.string(), z.json())]).optional(),
  timeout: seconds.optional(),
  secrets: z.array(z.string()).optional(),
});
const provider = z.discriminatedUnion('type', [httpProvider, processProvider], {
  error: (issue) =>
    (issue.input as { type?: unknown } | undefined)?.type === 'python'
      ? 'a python provider cannot be run here, only http and process'
      : 'a provider is http or process',
});

const activity = z.object({
  type: z.enum(['probe', 'action']),
  name: z.string().min(1),
  provider,
  background: z.boolean().default(false),
  pauses: z.object({ before: seconds.optional(), after: seconds.optional() }).optional(),
  tolerance: z.json().optional(),
});
const reference = z.object({ ref: z.string().min(1) });
const anyActivity = z.union([reference, activity]);

const value = z.json();
const strategy = <const T extends readonly [string, ...string[]]>(names: T) =>
  z.object({ strategy: z.enum(names) }).optional();

const experimentSchema = z.object({
  title: z.string().min(1),
  description: z.string(),
  version: z.string().optional(),
  tags: z.array(z.string().min(1)).optional(),
  configuration: z.record(z.string(), value).default({}),
  secrets: z.record(z.string(), z.record(z.string(), value)).default({}),
  'steady-state-hypothesis': z
    .object({ title: z.string().min(1), probes: z.array(anyActivity).default([]) })
    .optional(),
  method: z.array(anyActivity),
  rollbacks: z.array(anyActivity).default([]),
  runtime: z
    .object({
      hypothesis: strategy(['default', 'before-method-only', 'after-method-only']),
      rollbacks: strategy(['default', 'always', 'never', 'deviated']),
    })
    .optional(),
});

export type Activity = z.output<typeof activity>;
export type HttpProvider = z.output<typeof httpProvider>;
export type ProcessProvider = z.output<typeof processProvider>;

export interface Experiment {
  title: string;
  configuration: Record<string, Json>;
  secrets: Record<string, Record<string, Json>>;
  /** null: the experiment states none. */
  hypothesis: { title: string; probes: Activity[] } | null;
  when: 'default' | 'before-method-only' | 'after-method-only';
  method: Activity[];
  rollbacks: Activity[];
  /** As it was written, for the journal. */
  source: Json;
}

/** Throws ERR_EXPERIMENT_INVALID. */
export function loadExperiment(file: string): Experiment {
  let source: unknown;
  try {
    source = parse(readFileSync(file, 'utf8'), { maxAliasCount: 20 });
  } catch (error) {
    const [what = ''] = ((error as NodeJS.ErrnoException).code ?? (error as Error).message).split('\n');
    throw invalid(file, '.', what, error);
  }
  return readExperiment(source, file);
}

export function readExperiment(source: unknown, file: string): Experiment {
  const parsed = experimentSchema.safeParse(source);
  if (!parsed.success) {
    const issue = deepest(parsed.error.issues[0]);
    throw invalid(file, issue.path, issue.message, parsed.error);
  }
  const { title, configuration, secrets, method, rollbacks, runtime } = parsed.data;
  const hypothesis = parsed.data['steady-state-hypothesis'];
  const all = [...(hypothesis?.probes ?? []), ...method, ...rollbacks];
  const named = new Map(all.flatMap((one) => ('name' in one ? [[one.name, one] as const] : [])));
  const resolve = (one: (typeof all)[number]): Activity => {
    if (!('ref' in one)) return one;
    const found = named.get(one.ref);
    if (found === undefined) throw invalid(file, 'ref', `no activity is named "${one.ref}"`);
    return found;
  };
  const probes = (hypothesis?.probes ?? []).map(resolve);
  for (const probe of probes) {
    if (probe.type !== 'probe' || probe.tolerance === undefined)
      throw invalid(file, probe.name, 'what a hypothesis asks is a probe with a tolerance');
  }
  return {
    title,
    configuration,
    secrets,
    hypothesis: hypothesis === undefined ? null : { title: hypothesis.title, probes },
    when: runtime?.hypothesis?.strategy ?? 'default',
    method: method.map(resolve),
    rollbacks: rollbacks.map(resolve),
    source: source as Json,
  };
}

/** Of a union, the branch that came furthest says what is wrong. */
function deepest(issue: z.core.$ZodIssue | undefined): { path: string; message: string } {
  if (issue === undefined) return { path: '.', message: '' };
  if (issue.code !== 'invalid_union' || issue.errors.length === 0)
    return { path: issue.path.map(String).join('.') || '.', message: issue.message };
  const branch = issue.errors.at(-1)?.[0];
  const inner = deepest(branch);
  return branch === undefined
    ? inner
    : { path: [...issue.path.map(String), inner.path].join('.'), message: inner.message };
}

export function invalid(file: string, path: string, what: string, cause?: unknown): RempartError {
  return new RempartError('ERR_EXPERIMENT_INVALID', { file: basename(file), path, what }, cause);
}
