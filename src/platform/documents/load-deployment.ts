// A deployment profile from its file, checked; mistakes are said in one sentence.
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { RempartError } from '../base/errors.ts';
import { fileIssue, schemaIssue } from '../base/schema-issue.ts';
import { type Deployment, deploymentSchema } from './deployment.ts';

/** Throws ERR_DEPLOYMENT_UNREADABLE and ERR_DEPLOYMENT_INVALID. */
export function loadDeployment(file: string): Deployment {
  let raw: unknown;
  try {
    raw = parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new RempartError('ERR_DEPLOYMENT_UNREADABLE', { file, what: fileIssue(error) }, error);
  }
  const parsed = deploymentSchema.safeParse(raw);
  if (parsed.success) return parsed.data;
  const issue = schemaIssue(parsed.error, deploymentSchema, raw);
  const what =
    issue.kind === 'invalid'
      ? issue.what
      : ({ key: 'issue.unknown-key', facts: { key: issue.key, nearest: issue.nearest } } as const);
  throw new RempartError('ERR_DEPLOYMENT_INVALID', { file, path: issue.path, what });
}
