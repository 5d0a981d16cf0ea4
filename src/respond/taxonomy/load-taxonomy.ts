// The taxonomy from its files: the types that are shipped, then those of a user's own folders, which may replace them.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { RempartError } from '../../platform/base/errors.ts';
import { fileIssue, schemaIssue } from '../../platform/base/schema-issue.ts';
import { escalationLevels } from '../../platform/documents/incident.ts';
import type { IncidentType } from './taxonomy.ts';

const shipped = join(import.meta.dirname, '..', '..', '..', 'rules', 'incidents');

const minutes = z.int().min(1).max(525_600);
const inBoth = z.strictObject({ en: z.string().min(1).max(300), fr: z.string().min(1).max(300) });
const fileName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/);

const incidentTypeSchema = z.strictObject({
  id: fileName,
  level: z.union([z.literal(1), z.literal(2), z.literal(3)]),
  escalation: z.enum(escalationLevels),
  respondWithinMinutes: minutes,
  phases: z.record(z.string().regex(/^[a-z][a-z-]{0,31}$/), minutes).default({}),
  atlas: z.array(z.string().regex(/^AML\.T\d{4}(\.\d{3})?$/)),
  owasp: z.array(z.string().regex(/^(LLM|API|A)\d{1,2}:20\d\d$/)),
  detectors: z.array(fileName),
  playbook: fileName,
  drill: z.string().regex(/^[a-z0-9][a-z0-9_]{0,62}$/),
  title: inBoth,
  example: inBoth,
  impact: inBoth,
});
const fileSchema = z.array(incidentTypeSchema);

export interface Taxonomy {
  /** By its id; underscores stand for hyphens. */
  find(id: string): IncidentType | undefined;
  /** In the order of their level, as the files have them. */
  all: readonly IncidentType[];
}

/** Throws ERR_TAXONOMY_UNREADABLE and ERR_TAXONOMY_INVALID. A type in one of `folders` takes the place of the shipped one. */
export function loadTaxonomy(folders: readonly string[] = []): Taxonomy {
  const types = new Map<string, IncidentType>();
  for (const folder of [shipped, ...folders]) {
    const here = new Set<string>();
    for (const file of filesOf(folder))
      for (const type of typesOf(file)) {
        if (here.has(type.id))
          throw new RempartError('ERR_TAXONOMY_INVALID', {
            file,
            path: type.id,
            what: { key: 'incident.type.twice', facts: { id: type.id } },
          });
        here.add(type.id);
        types.set(type.id, type);
      }
  }
  const all = [...types.values()].sort((a, b) => a.level - b.level);
  return { all, find: (id) => types.get(id.replaceAll('_', '-')) };
}

function filesOf(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => /\.ya?ml$/.test(name))
      .sort()
      .map((name) => join(folder, name));
  } catch (error) {
    throw new RempartError('ERR_TAXONOMY_UNREADABLE', { file: folder, what: fileIssue(error) }, error);
  }
}

function typesOf(file: string): IncidentType[] {
  let raw: unknown;
  try {
    raw = parse(readFileSync(file, 'utf8'), { maxAliasCount: 20 });
  } catch (error) {
    throw new RempartError('ERR_TAXONOMY_UNREADABLE', { file, what: fileIssue(error) }, error);
  }
  const parsed = fileSchema.safeParse(raw);
  if (parsed.success) return parsed.data;
  const issue = schemaIssue(parsed.error, fileSchema, raw);
  const what =
    issue.kind === 'invalid'
      ? issue.what
      : ({ key: 'issue.unknown-key', facts: { key: issue.key, nearest: issue.nearest } } as const);
  throw new RempartError('ERR_TAXONOMY_INVALID', { file, path: issue.path, what });
}
