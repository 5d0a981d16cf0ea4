// The playbooks there are: those that Rempart brings, and a user's own from one folder; a bad file refuses itself only.
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type ErrorCode, RempartError } from '../../platform/base/errors.ts';
import type { KnownActions, Problem } from './lint.ts';
import type { Playbook } from './playbook.ts';
import { type ReadPlaybook, readPlaybook } from './read-playbook.ts';

export const shippedPlaybooks = join(import.meta.dirname, '..', '..', '..', 'playbooks');

export interface LibraryPlaybook {
  /** Its file's name without the ending, e.g. `container-escape`. */
  name: string;
  file: string;
  isShipped: boolean;
  read: ReadPlaybook;
  text: string;
}

/** A file of the user's that cannot be run. */
export interface RefusedPlaybook {
  file: string;
  /** Why it could not be read at all; null when the problems say it. */
  code: ErrorCode | null;
  problems: Problem[];
}

export interface PlaybookLibrary {
  all: readonly LibraryPlaybook[];
  refused: readonly RefusedPlaybook[];
  /** By file name or id, and by version where one is named. Throws ERR_PLAYBOOK_UNKNOWN. */
  find(nameOrId: string, version?: string): LibraryPlaybook;
  /** The same, as the engine asks for what a playbook calls. */
  findPlaybook(id: string, version: string | undefined): Promise<Playbook>;
}

/**
 * A playbook of the user's takes the place of a shipped one of the same file name. `actions` is asked of the user's
 * only: a shipped one whose action is not there still guides people by its steps by hand.
 */
export async function loadPlaybooks(
  own?: string,
  actions?: KnownActions,
  shipped: string = shippedPlaybooks,
): Promise<PlaybookLibrary> {
  const refused: RefusedPlaybook[] = [];
  const all = new Map<string, LibraryPlaybook>();
  for (const loaded of await loadFolder(shipped, true, refused)) all.set(loaded.name, loaded);
  if (own !== undefined)
    for (const loaded of await loadFolder(own, false, refused, actions)) all.set(loaded.name, loaded);

  const list = [...all.values()].sort((a, b) => a.name.localeCompare(b.name));
  const find: PlaybookLibrary['find'] = (nameOrId, version) => {
    const found = list
      .filter(({ name, read: { playbook } }) => name === nameOrId || playbook.id === nameOrId)
      .filter(({ read: { playbook } }) => version === undefined || playbook.modified === version)
      .sort((a, b) => b.read.playbook.modified.localeCompare(a.read.playbook.modified))[0];
    if (found === undefined) throw new RempartError('ERR_PLAYBOOK_UNKNOWN', { name: nameOrId });
    return found;
  };
  return { all: list, refused, find, findPlaybook: async (id, version) => find(id, version).read.playbook };
}

async function loadFolder(
  folder: string,
  isShipped: boolean,
  refused: RefusedPlaybook[],
  actions?: KnownActions,
): Promise<LibraryPlaybook[]> {
  let files: string[];
  try {
    files = (await readdir(folder)).filter((file) => file.endsWith('.json')).sort();
  } catch {
    refused.push({ file: folder, code: 'ERR_PLAYBOOK_UNREADABLE', problems: [] });
    return [];
  }
  const loaded: LibraryPlaybook[] = [];
  for (const name of files) {
    const file = join(folder, name);
    try {
      const text = await readFile(file, 'utf8');
      const read = readPlaybook(text, file, actions);
      const problems = Array.isArray(read) ? read : read.problems;
      if (Array.isArray(read) || problems.some(({ severity }) => severity === 'error'))
        refused.push({ file, code: null, problems });
      else loaded.push({ name: basename(name, '.json'), file, isShipped, read, text });
    } catch {
      refused.push({ file, code: 'ERR_PLAYBOOK_UNREADABLE', problems: [] });
    }
  }
  return loaded;
}
