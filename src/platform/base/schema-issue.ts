// What is wrong with a file that people write: the first mistake of a schema's, of YAML's or of the file itself, sayable in every language.
import { z } from 'zod';
import { catalogues, type TextKey } from '../i18n/say.ts';
import type { Phrase } from './errors.ts';
import { nearest } from './nearest.ts';

export type SchemaIssue =
  | { kind: 'unknown-key'; path: string; key: string; nearest: string }
  | { kind: 'invalid'; path: string; what: Phrase };

/** The mistake to name first; `given` is what was checked. A mistyped key comes first: it is often why another one is missing. */
export function schemaIssue(error: z.ZodError, schema: z.ZodType, given: unknown): SchemaIssue {
  const { issues } = error;
  const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0];
  const path = issue?.path.map(String).join('.') ?? '';
  if (issue?.code === 'unrecognized_keys') {
    const [key = ''] = issue.keys;
    const full = path === '' ? key : `${path}.${key}`;
    return { kind: 'unknown-key', path: full, key, nearest: nearest(key, knownKeys(schema, issue.path)) };
  }
  return {
    kind: 'invalid',
    path: path || '.',
    what: issue === undefined ? { key: 'issue.other' } : whatOf(issue, given),
  };
}

/** Why a file of YAML could not be read: the system's code, or the place and kind of the mistake. */
export function fileIssue(error: unknown): Phrase {
  const { code, linePos } = error as { code?: unknown; linePos?: readonly { line: number; col: number }[] };
  const [at] = linePos ?? [];
  const known = typeof code === 'string' ? `issue.file.${code}` : '';
  if (at !== undefined) {
    const what = isText(`issue.yaml.${String(code)}`) ? (`issue.yaml.${String(code)}` as TextKey) : 'issue.yaml';
    return { key: what, facts: { line: at.line, column: at.col } };
  }
  if (isText(known)) return { key: known };
  return typeof code === 'string' ? { key: 'issue.file', facts: { code } } : { key: 'issue.yaml.other' };
}

function whatOf(issue: z.core.$ZodIssue, given: unknown): Phrase {
  // A schema's own message is the key of a text.
  if (isText(issue.message)) return { key: issue.message };
  switch (issue.code) {
    case 'invalid_type': {
      if (valueAt(given, issue.path) === undefined) return { key: 'issue.missing' };
      const kind = `issue.type.${issue.expected}`;
      return { key: isText(kind) ? kind : 'issue.other' };
    }
    case 'invalid_value':
      return { key: 'issue.choice', facts: { known: issue.values.map(String).join(', ') } };
    case 'too_small':
      return sizeOf(issue.origin, 'least', Number(issue.minimum));
    case 'too_big':
      return sizeOf(issue.origin, 'most', Number(issue.maximum));
    case 'invalid_format':
      return issue.pattern === undefined
        ? { key: 'issue.other' }
        : { key: 'issue.pattern', facts: { pattern: issue.pattern } };
    default:
      return { key: 'issue.other' };
  }
}

function sizeOf(origin: string, bound: 'least' | 'most', limit: number): Phrase {
  if (origin === 'string' && bound === 'least' && limit === 1) return { key: 'issue.empty' };
  const kind = origin === 'string' ? 'letters' : origin === 'array' ? 'entries' : 'number';
  return { key: `issue.${bound}.${kind}`, facts: { limit } };
}

function isText(key: string): key is TextKey {
  return Object.hasOwn(catalogues.en, key);
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let current = value;
  for (const step of path) {
    if (typeof current !== 'object' || current === null) return undefined;
    current = (current as Record<PropertyKey, unknown>)[step];
  }
  return current;
}

interface SchemaNode {
  properties?: Record<string, SchemaNode>;
  additionalProperties?: SchemaNode;
  items?: SchemaNode;
}

/** The keys that a schema knows at a path: found by asking its JSON Schema, so that no list is kept twice. */
function knownKeys(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let node: SchemaNode | undefined = z.toJSONSchema(schema, { io: 'input' }) as SchemaNode;
  for (const step of path) {
    node = typeof step === 'number' ? node.items : (node.properties?.[String(step)] ?? node.additionalProperties);
    if (node === undefined) return [];
  }
  return Object.keys(node.properties ?? {});
}
