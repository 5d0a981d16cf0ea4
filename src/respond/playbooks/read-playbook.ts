// A playbook from its file: read, checked by shape and by meaning, with a hash that names exactly what will run.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { RempartError } from '../../platform/base/errors.ts';
import { canonicalJson, type Json } from '../../platform/base/json.ts';
import { type KnownActions, lintPlaybook, type Problem } from './lint.ts';
import { type Playbook, playbookSchema } from './playbook.ts';

export interface ReadPlaybook {
  playbook: Playbook;
  /** Hex SHA-256 of its canonical JSON. */
  hash: string;
  problems: Problem[];
}

const largestBytes = 5_000_000;
/** Deeper than any playbook, and far from what a stack minds. */
const deepest = 100;

/** Throws ERR_PLAYBOOK_UNREADABLE. */
export async function readPlaybookFile(file: string, actions?: KnownActions): Promise<ReadPlaybook | Problem[]> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new RempartError('ERR_PLAYBOOK_UNREADABLE', { file }, error);
  }
  return readPlaybook(text, file, actions);
}

/** What its shape lacks, or the playbook with what its meaning lacks. Throws ERR_PLAYBOOK_UNREADABLE for what is no JSON. */
export function readPlaybook(text: string, file: string, actions?: KnownActions): ReadPlaybook | Problem[] {
  if (text.length > largestBytes) throw new RempartError('ERR_PLAYBOOK_UNREADABLE', { file });
  let raw: Json;
  try {
    raw = JSON.parse(text) as Json;
  } catch (error) {
    throw new RempartError('ERR_PLAYBOOK_UNREADABLE', { file }, error);
  }
  if (isDeeper(raw, deepest)) throw new RempartError('ERR_PLAYBOOK_UNREADABLE', { file });
  const read = playbookSchema.safeParse(raw);
  if (!read.success)
    return read.error.issues.map(({ path, message }) => ({
      severity: 'error',
      at: `/${path.map(String).join('/')}`,
      rule: 'playbook.lint.shape',
      facts: { what: message },
    }));
  return {
    playbook: read.data,
    hash: createHash('sha256').update(canonicalJson(raw)).digest('hex'),
    problems: lintPlaybook(read.data, actions),
  };
}

function isDeeper(value: Json, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((inner: Json) => isDeeper(inner, levels - 1));
}
