// The target profile: all that the simulator may know of a chatbot. Read from YAML, checked, its placeholders filled per method.
import { readFileSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { RempartError } from '../../platform/base/errors.ts';
import { fileIssue, schemaIssue } from '../../platform/base/schema-issue.ts';

const placeholderPattern = /\$\{([^}]*)\}/g;
const plainNames = [
  'port',
  'work',
  'upstream.url',
  'upstream.key',
  'upstream.spareKey',
  'upstream.timeoutMs',
  'database.path',
  'database.url',
  'alerts.url',
  'system.prompt',
  'proxy.url',
  'proxy.ca',
  'question',
  'conversation',
] as const;

/** A JSON Pointer (RFC 6901). */
const pointer = z.string().regex(/^(\/([^~/]|~[01])*)*$/, 'issue.pointer');
const duration = z
  .string()
  .regex(/^\d+(ms|s|m)$/, 'issue.duration')
  .transform((text) => {
    const value = Number.parseInt(text, 10);
    return text.endsWith('ms') ? value : text.endsWith('m') ? value * 60_000 : value * 1000;
  });

const httpRequest = z.strictObject({
  method: z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']).default('GET'),
  url: z.string().min(1),
  headers: z.record(z.string(), z.string()).default({}),
  body: z.json().optional(),
});

export const profileSchema = z.strictObject({
  name: z.string().min(1),
  /** The language of its users: answers under fault are judged in it. */
  language: z.enum(['fr', 'en']).default('en'),
  start: z
    .strictObject({
      command: z.array(z.string().min(1)).min(1),
      cwd: z.string().default('.'),
      env: z.record(z.string(), z.string()).default({}),
      ready: z.strictObject({ url: z.string().min(1), within: duration.default(30_000) }).optional(),
    })
    .optional(),
  ask: z.strictObject({
    request: httpRequest,
    answer: pointer.default(''),
    stream: z.enum(['openai', 'ollama', 'text']).optional(),
    /** Where the first reply names its conversation; without it the simulator chooses the id. */
    conversation: pointer.optional(),
  }),
  history: z.strictObject({ request: httpRequest, messages: pointer }).optional(),
  health: z.strictObject({ url: z.string().min(1), headers: z.record(z.string(), z.string()).default({}) }).optional(),
  settings: z.strictObject({ get: httpRequest, put: httpRequest.optional() }).optional(),
  login: z.strictObject({ request: httpRequest, token: pointer.optional() }).optional(),
  incidents: z.strictObject({ request: httpRequest }).optional(),
  identities: z
    .record(z.string(), z.strictObject({ headers: z.record(z.string(), z.string()).default({}) }))
    .default({}),
  procedures: z.record(z.string(), z.string()).default({}),
  logs: z.array(z.string().min(1)).default(['stdout', 'stderr']),
  upstream: z
    .strictObject({
      dialect: z.enum(['openai', 'mistral', 'ollama']).default('openai'),
      real: z.string().nullable().default(null),
      /** Hosts that the target reaches through `${proxy.url}` and that the fault proxy takes the place of; none: every one. */
      hosts: z.array(z.string().min(1)).default([]),
      /** A fixed port for the fault proxy: for a target that is already running and was pointed at it. */
      port: z.number().int().min(1).max(65535).optional(),
      /** What `${upstream.timeoutMs}` is on ordinary days: how long this target should wait for its provider. */
      timeoutMs: z.number().int().min(100).max(600_000).default(8000),
    })
    .prefault({}),
  database: z.strictObject({ kind: z.enum(['none', 'sqlite', 'postgres', 'mysql']) }).default({ kind: 'none' }),
});

export type Profile = z.output<typeof profileSchema> & {
  /** Absolute path of the profile's file; relative paths in it start from its folder. */
  file: string;
};
export type ProfileRequest = z.output<typeof httpRequest>;

/** Values of the placeholders for one method; `question` and `conversation` vary per message. */
export type Places = Readonly<Record<string, string>>;

/** Reads and checks a profile. Throws ERR_PROFILE_UNREADABLE, ERR_PROFILE_INVALID, ERR_PROFILE_PLACEHOLDER. */
export function loadProfile(file: string): Profile {
  let source: unknown;
  try {
    source = parse(readFileSync(file, 'utf8'), { maxAliasCount: 20 });
  } catch (error) {
    throw new RempartError('ERR_PROFILE_UNREADABLE', { file, what: fileIssue(error) }, error);
  }
  const parsed = profileSchema.safeParse(source ?? {});
  if (!parsed.success) throw invalid(file, parsed.error, source);
  const name = placeholdersIn(source).find((found) => !isKnown(found));
  if (name !== undefined) {
    throw new RempartError('ERR_PROFILE_PLACEHOLDER', {
      file: basename(file),
      placeholder: `\${${name}}`,
      known: [...plainNames, 'port.NAME', 'secret.NAME'].join(', '),
    });
  }
  return { ...parsed.data, file: resolve(file) };
}

function invalid(file: string, error: z.ZodError, source: unknown): RempartError {
  const issue = schemaIssue(error, profileSchema, source);
  const { path } = issue;
  if (issue.kind === 'invalid')
    return new RempartError('ERR_PROFILE_INVALID', { file: basename(file), path, what: issue.what });
  const what = { key: 'issue.unknown-key', facts: { key: issue.key, nearest: issue.nearest } } as const;
  return new RempartError('ERR_PROFILE_INVALID', { file: basename(file), path, what });
}

function isKnown(name: string): boolean {
  return (plainNames as readonly string[]).includes(name) || /^(port|secret)\.[A-Za-z0-9_-]+$/.test(name);
}

/** The names of all placeholders anywhere in a value, keys of objects included. */
export function placeholdersIn(value: unknown): string[] {
  if (typeof value === 'string') return [...value.matchAll(placeholderPattern)].map((match) => match[1] ?? '');
  if (Array.isArray(value)) return value.flatMap(placeholdersIn);
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value).flatMap(([key, entry]) => [...placeholdersIn(key), ...placeholdersIn(entry)]);
  }
  return [];
}

/** Whether the profile's start or requests use a placeholder: that is how a profile promises spare keys and alerts. */
export function uses(profile: Profile, name: string): boolean {
  return placeholdersIn({ ...profile, file: '' }).includes(name);
}

/** A deep copy with every known placeholder replaced; a name without a value stays as it is, to be filled per message. */
export function fill<T>(value: T, places: Places): T {
  if (typeof value === 'string') {
    return value.replace(placeholderPattern, (whole, name: string) => places[name] ?? whole) as T;
  }
  if (Array.isArray(value)) return value.map((entry) => fill(entry, places)) as T;
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([key, entry]) => [fill(key, places), fill(entry, places)]),
    ) as T;
  }
  return value;
}

/** A path of the profile, absolute. */
export function profilePath(profile: Profile, path: string): string {
  return resolve(dirname(profile.file), path);
}

/** What a JSON Pointer finds (RFC 6901); undefined when it leads nowhere. */
export function atPointer(value: unknown, path: string): unknown {
  let current = value;
  for (const step of path.split('/').slice(1)) {
    if (typeof current !== 'object' || current === null) return undefined;
    const key = step.replaceAll('~1', '/').replaceAll('~0', '~');
    if (!Object.hasOwn(current, key)) return undefined;
    current = (current as Record<string, unknown>)[key];
  }
  return current;
}
