// Which files of a folder a scan leaves out: patterns as .gitignore has them, from .rempartignore and from --ignore.
import { readFileSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

export const ignoreFile = '.rempartignore';

export interface Ignore {
  /** Whether the last pattern that fits this path below the scanned folder leaves it out. */
  covers(path: string, isFolder: boolean): boolean;
}

interface Pattern {
  regex: RegExp;
  /** `!pattern` takes back what an earlier one left out. */
  back: boolean;
  foldersOnly: boolean;
}

const maxBytes = 100_000;

/** The patterns of the folder's own file, then those that were given: later ones count more. */
export function readIgnore(folder: string, given: readonly string[]): Ignore {
  const patterns = [...linesOf(join(folder, ignoreFile)), ...given].flatMap(readPattern);
  return {
    covers(path, isFolder) {
      const below = relative(folder, path).split(sep).join('/');
      return patterns
        .filter(({ regex, foldersOnly }) => (isFolder || !foldersOnly) && regex.test(below))
        .reduce((_, { back }) => !back, false);
    },
  };
}

function linesOf(file: string): string[] {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat?.isFile() === true && stat.size <= maxBytes ? readFileSync(file, 'utf8').split(/\r?\n/) : [];
}

/** A pattern with a slash before its end is read from the folder's top; one without fits at any depth. */
function readPattern(line: string): Pattern[] {
  const text = line.trim();
  if (text === '' || text.startsWith('#')) return [];
  const back = text.startsWith('!');
  const body = text.replace(/^!/, '').replace(/^\.\//, '/');
  const path = body.replace(/^\//, '').replace(/\/+$/, '');
  if (path === '') return [];
  const anchored = body.replace(/\/+$/, '').includes('/');
  const regex = new RegExp(`^${anchored ? '' : '(?:.*/)?'}${globSource(path)}$`);
  return [{ regex, back, foldersOnly: body.endsWith('/') }];
}

/** Runs of stars are one, so that no pattern takes long. */
function globSource(glob: string): string {
  return glob
    .split('/')
    .map((part, at, parts) => {
      const last = at === parts.length - 1;
      if (/^\*\*+$/.test(part)) return last ? '.*' : '(?:.*/)?';
      return `${partSource(part)}${last ? '' : '/'}`;
    })
    .join('');
}

function partSource(part: string): string {
  return part.replace(/\*+|\?|[.+^${}()|[\]\\]/g, (mark) => {
    if (mark.startsWith('*')) return '[^/]*';
    return mark === '?' ? '[^/]' : `\\${mark}`;
  });
}
